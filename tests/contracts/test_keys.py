"""Stored keys and the audit, on every database."""

from dataclasses import replace

from recsys.store import api_keys, audit_log, signing_secrets
from recsys.store.api_keys import KeyRow
from recsys.store.audit_log import AuditRow
from recsys.store.database import Database

ROW = KeyRow("0a1b2c3d4e5f", "d" * 64, "read", "the site", created_at=7)


def test_keys_are_listed_oldest_first_with_all_that_is_known(database: Database) -> None:
    older = replace(ROW, id="ffffffffffff", created_at=3, name="")
    with database.write() as connection:
        api_keys.add(connection, ROW)
        api_keys.add(connection, older)
        assert api_keys.all_keys(connection) == [older, ROW]


def test_a_key_keeps_its_origins(database: Database) -> None:
    site = replace(ROW, scope="site", origins=("https://news.example", "http://localhost:3000"))
    with database.write() as connection:
        api_keys.add(connection, site)
        assert api_keys.all_keys(connection) == [site]


def test_a_signing_secret_is_made_once_and_is_long(database: Database) -> None:
    with database.write() as connection:
        first = signing_secrets.shared_secret(connection, "a")
    with database.write() as connection:
        assert signing_secrets.shared_secret(connection, "a") == first
        assert signing_secrets.shared_secret(connection, "b") != first
    assert len(bytes.fromhex(first)) == 32


def test_a_key_is_revoked_once(database: Database) -> None:
    with database.write() as connection:
        api_keys.add(connection, ROW)
        assert api_keys.revoke(connection, ROW.id, 9)
        assert not api_keys.revoke(connection, ROW.id, 10)
        assert not api_keys.revoke(connection, "nobody", 10)
        assert api_keys.all_keys(connection) == [replace(ROW, revoked_at=9)]


def test_the_last_use_never_goes_back(database: Database) -> None:
    with database.write() as connection:
        api_keys.add(connection, ROW)
        api_keys.record_use(connection, {ROW.id: 20, "nobody": 20})
        api_keys.record_use(connection, {ROW.id: 15})
        assert api_keys.all_keys(connection) == [replace(ROW, last_used_at=20)]


def test_the_audit_lists_the_newest_first(database: Database) -> None:
    rows = [AuditRow(at, "cli", "key_created", f"k{at}") for at in (5, 5, 4)]
    with database.write() as connection:
        for row in rows:
            audit_log.record(connection, row)
    with database.read() as connection:
        assert audit_log.newest(connection, 2) == [rows[2], rows[1]]
