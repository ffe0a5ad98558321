"""The keys as a serving process knows them."""

import asyncio
from collections.abc import Iterator

import pytest

from api.application import key_admin, key_tokens
from api.application.scopes import Scope
from api.http.security.keyring import FRESH_SECONDS, STALE_SECONDS, KeyRing
from recsys.errors import RequestError, StoreError, StoreUnavailableError
from recsys.store import api_keys as key_store
from recsys.store import audit_log
from recsys.store.database import Database
from tests.application import application


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    yield Clock()


def test_without_keys_the_ring_is_open_and_a_revoked_one_does_not_open_it_again(
    sqlite_database: Database, clock: Clock
) -> None:
    ring = KeyRing(sqlite_database, clock)
    assert asyncio.run(ring.current()).open
    token, row = key_admin.create_key(application(sqlite_database), Scope.READ, "", "cli")
    key_admin.revoke_key(application(sqlite_database), row.id, "cli")
    clock.now += 1
    known = asyncio.run(ring.current())
    assert not known.open
    assert known.owner(token) is None


def test_a_key_counts_when_the_ring_is_read_again_and_not_before(sqlite_database: Database, clock: Clock) -> None:
    ring = KeyRing(sqlite_database, clock)
    asyncio.run(ring.current())
    token, row = key_admin.create_key(application(sqlite_database), Scope.READ, "the site", "cli")
    clock.now += FRESH_SECONDS / 2
    assert asyncio.run(ring.current()).owner(token) is None
    clock.now += FRESH_SECONDS
    assert asyncio.run(ring.current()).owner(token) == row


def test_only_the_whole_key_has_an_owner(sqlite_database: Database) -> None:
    token, _ = key_admin.create_key(application(sqlite_database), Scope.READ, "", "cli")
    ring = asyncio.run(KeyRing(sqlite_database).current())
    another, _ = key_tokens.make()
    forged = token[: len("att_000000000000_")] + another[len("att_000000000000_") :]
    assert ring.owner(token) is not None
    for wrong in (None, "", "é", another, forged, token[:-1]):
        assert ring.owner(wrong) is None


def test_many_at_once_read_the_keys_once(
    sqlite_database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested: list[object] = []
    all_keys = key_store.all_keys
    monkeypatch.setattr(key_store, "all_keys", lambda connection: requested.append(1) or all_keys(connection))
    ring = KeyRing(sqlite_database, clock)

    async def crowd() -> None:
        await asyncio.gather(*(ring.current() for _ in range(20)))

    asyncio.run(crowd())
    assert len(requested) == 1


def test_keys_that_cannot_be_read_let_nobody_in(
    sqlite_database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = KeyRing(sqlite_database, clock)
    asyncio.run(ring.current())

    def fail(_: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(key_store, "all_keys", fail)
    clock.now += 1
    with pytest.raises(StoreError):
        asyncio.run(ring.current())


def test_uses_are_stored_in_the_end(sqlite_database: Database) -> None:
    _, row = key_admin.create_key(application(sqlite_database), Scope.READ, "", "cli")
    ring = KeyRing(sqlite_database)

    async def serve() -> None:
        async with ring.saving_uses():
            ring.note_use(row.id)

    asyncio.run(serve())
    with sqlite_database.read() as connection:
        (stored,) = key_store.all_keys(connection)
    assert stored.last_used_at is not None
    assert stored.last_used_at >= row.created_at


def test_making_and_revoking_is_on_record(sqlite_database: Database) -> None:
    _, row = key_admin.create_key(application(sqlite_database), Scope.ADMIN, "", "cli")
    key_admin.revoke_key(application(sqlite_database), row.id, "open")
    with pytest.raises(RequestError, match="attune keys list"):
        key_admin.revoke_key(application(sqlite_database), row.id, "cli")
    with sqlite_database.read() as connection:
        acts = audit_log.newest(connection, 9)
    assert [(a.actor, a.act, a.subject) for a in acts] == [
        ("open", "key_revoked", row.id),
        ("cli", "key_created", row.id),
    ]


def test_while_the_database_is_away_keys_hold_as_they_were_known_for_a_while(
    sqlite_database: Database, clock: Clock
) -> None:
    token, row = key_admin.create_key(application(sqlite_database), Scope.READ, "", "cli")
    ring = KeyRing(sqlite_database, clock)
    asyncio.run(ring.current())
    sqlite_database.circuit.enable_probing()
    sqlite_database.circuit.trip("gone")
    clock.now += STALE_SECONDS
    known = asyncio.run(ring.current())
    assert known.owner(token) == row
    assert known.owner(key_tokens.make()[0]) is None
    clock.now += 1
    with pytest.raises(StoreUnavailableError):
        asyncio.run(ring.current())
    sqlite_database.circuit.reset()
    assert asyncio.run(ring.current()).owner(token) == row


def test_a_process_that_never_read_keys_lets_nobody_in_while_the_database_is_away(
    sqlite_database: Database, clock: Clock
) -> None:
    sqlite_database.circuit.enable_probing()
    sqlite_database.circuit.trip("gone")
    with pytest.raises(StoreUnavailableError):
        asyncio.run(KeyRing(sqlite_database, clock).current())
