"""The real client of Gorse, and a service it talks to over a socket."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from gorse import Gorse

import api.app
from api.app import create_app
from api.application import key_admin
from api.application.scopes import Scope
from recsys.store.database import opened
from tests.application import application
from tests.live import listening
from tests.trained import HashEncoder, place

ITEMS: list[dict[str, Any]] = [
    {
        "ItemId": f"{topic}:{i}",
        "IsHidden": False,
        "Labels": {"topic": topic, "tags": ["news", f"tag{i}"], "weight": 1.5},
        "Categories": [topic, "front"],
        "Timestamp": f"2024-02-{i + 1:02}T00:00:00Z",
        "Comment": f"{topic} story number {i}",
    }
    for topic in ("tram", "cup")
    for i in range(8)
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address, and the key of an administrator."""
    where = place(tmp_path_factory.mktemp("gorse"))
    with opened(where.settings.database_url) as database:
        token, _ = key_admin.create_key(application(database), Scope.ADMIN, "", "cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.app, "LazyEncoder", lambda _: HashEncoder())
        with listening(create_app(where.settings)) as address:
            yield address, token


@pytest.fixture(scope="module")
def gorse(url: tuple[str, str]) -> Gorse:
    """A client; its items are known and searchable."""
    client = Gorse(*url, timeout=30)
    for item in ITEMS:
        assert client.insert_item(item) == {"RowAffected": 1}
    while len(client.get_neighbors("tram:0", n=20)) < len(ITEMS) - 1:
        time.sleep(0.05)
    return client
