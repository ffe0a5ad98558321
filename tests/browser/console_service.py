"""A newsroom with a console: two models, a calibration that flags every word, and an admin key."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import api.app
from api.app import create_app
from api.application import key_admin
from api.application.scopes import Scope
from recsys.models import bundle
from recsys.store.database import opened
from tests.application import application
from tests.calibrated import eager, with_calibration
from tests.live import listening
from tests.trained import HashEncoder, Place, world

FORMER, ACTIVE, TRIED = "20260101T000000000000Z", "20260102T000000000000Z", "20260103T000000000000Z"
"""Versions of the models: the one that was active before, the active one, and one to try."""


@dataclass(frozen=True)
class ConsoleService:
    """Where it answers, a key that signs in, and the place of its database."""

    address: str
    key: str
    place: Place

    @property
    def readers(self) -> list[str]:
        counts = world().events.group_by("reader").len().sort("len", "reader", descending=[True, False])
        return counts["reader"].to_list()

    @property
    def article(self) -> dict[str, Any]:
        """The article that was published last."""
        newest = world().articles.sort("published_at", "id", descending=[True, False])
        return newest.row(0, named=True)


@contextmanager
def console_service(trained: Place, folder: Path) -> Iterator[ConsoleService]:
    """A service over a copy of the `trained` place."""
    made = trained.copy(folder)
    for version in (FORMER, TRIED):
        _copy_active(made, version)
    bundle.activate(made.home, FORMER)
    with_calibration(made, eager(), ACTIVE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
        with opened(made.settings.database_url) as database:
            key = key_admin.create_key(application(database), Scope.ADMIN, "ops", "cli")[0]
        with listening(create_app(made.settings)) as address:
            yield ConsoleService(address, key, made)


def _copy_active(made: Place, version: str) -> None:
    active = bundle.load(made.home, str(bundle.active_version(made.home)))

    def write(folder: Path) -> dict[str, Any]:
        for name in active.manifest["sha256"]:
            shutil.copy(active.path / name, folder / name)
        return dict(active.manifest)

    bundle.publish(made.home, version, write)
