"""A real service with a key, and each client of it."""

import time
from collections.abc import Iterator

import pytest

import api.app
from api.app import create_app
from api.application import key_admin
from api.application.scopes import Scope
from recsys.store.database import opened
from tests.application import application
from tests.live import HTTP, listening
from tests.trained import HashEncoder, place
from tests.unit.api.client.drivers import NAMES, Call, client

ARTICLES = [
    {"id": f"a{n}", "title": f"Title {n}", "category": "sport" if n % 2 else "local", "word_count": 400}
    for n in range(6)
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address of a service with articles, and the key of an administrator."""
    where = place(tmp_path_factory.mktemp("client"))
    with opened(where.settings.database_url) as database:
        key, _ = key_admin.create_key(application(database), Scope.ADMIN, "", "cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.app, "LazyEncoder", lambda _: HashEncoder())
        with listening(create_app(where.settings)) as address:
            HTTP.post(
                f"{address}/v1/articles", json={"articles": ARTICLES}, headers={"X-API-Key": key}
            ).raise_for_status()
            deadline = time.monotonic() + 60
            while HTTP.get(f"{address}/readyz").status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield address, key


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def call(name: str, service: tuple[str, str]) -> Iterator[Call]:
    with client(name, *service, language="da") as opened:
        yield opened
