"""Services in process, over an empty database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import api.app
from api.app import create_app
from api.application import key_admin
from api.application.scopes import Scope
from recsys.store.database import opened
from tests.application import application
from tests.trained import HashEncoder, Place, place

MakeClient = Callable[..., TestClient]

ORIGIN = "https://news.example"
"""Origin of the pages that site keys belong to."""


@pytest.fixture
def where(tmp_path: Path) -> Place:
    """The database and home that services and other processes of a test share."""
    return place(tmp_path)


@pytest.fixture
def serve(where: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeClient]:
    """Starts a service with changed settings; `base_url` and `client` go to the test client."""
    monkeypatch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
    with ExitStack() as stack:

        def start(base_url: str = "http://testserver", **changes: Any) -> TestClient:
            app = create_app(where.settings.model_copy(update=changes))
            return stack.enter_context(TestClient(app, base_url, raise_server_exceptions=False))

        yield start


@pytest.fixture
def new_key(where: Place) -> Callable[..., str]:
    """Makes keys as another process would."""

    def make(scope: Scope, name: str = "", origin: str = ORIGIN) -> str:
        origins = [origin] if scope is Scope.SITE else []
        with opened(where.settings.database_url) as database:
            return key_admin.create_key(application(database), scope, name, "cli", origins)[0]

    return make


@cache
def api_document() -> dict[str, Any]:
    """The OpenAPI document; it takes a second, and three modules choose their tests by it."""
    return create_app().openapi()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
