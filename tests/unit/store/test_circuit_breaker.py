"""Circuit breaker of the database, and a server that does not answer."""

import threading
import time

import pytest
import sqlalchemy as sa

from recsys.domain import Event, EventKind
from recsys.errors import StoreError, StoreUnavailableError
from recsys.frames import events_frame
from recsys.store import erasure, event_log
from recsys.store.circuit_breaker import DatabaseCircuit
from recsys.store.database import Database, opened, without_timeout

POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def test_nothing_is_remembered_of_a_database_that_nobody_probes() -> None:
    circuit = DatabaseCircuit()
    circuit.trip("gone")
    assert not circuit.is_open
    circuit.check()


def test_while_it_is_away_only_who_probes_goes_on() -> None:
    circuit, let_in = DatabaseCircuit(), []
    circuit.enable_probing()
    circuit.trip("the disk is full")
    with pytest.raises(StoreUnavailableError, match="disk"):
        circuit.check()
    with circuit.probing():
        circuit.check()
        other = threading.Thread(target=lambda: let_in.append(refused(circuit)))
        other.start()
        other.join()
    assert let_in == [True]
    circuit.reset()
    circuit.check()


def refused(circuit: DatabaseCircuit) -> bool:
    try:
        circuit.check()
    except StoreUnavailableError:
        return True
    return False


def test_a_wrong_question_does_not_count_as_away(database: Database) -> None:
    database.circuit.enable_probing()
    with pytest.raises(StoreError) as raised, database.read() as connection:
        connection.execute(sa.text("SELECT nothing FROM nowhere"))
    assert not isinstance(raised.value, StoreUnavailableError)
    assert not database.circuit.is_open


def test_a_read_only_or_full_sqlite_file_counts_as_away(sqlite_database: Database) -> None:
    sqlite_database.circuit.enable_probing()
    with pytest.raises(StoreUnavailableError), sqlite_database.write() as connection:
        connection.execute(sa.text("PRAGMA query_only = ON"))
        connection.execute(sa.text("UPDATE log_position SET last_seq = last_seq"))
    assert sqlite_database.circuit.is_open


@POSTGRESQL
def test_a_server_that_does_not_answer_in_time_is_given_up(database: Database) -> None:
    database.circuit.enable_probing()
    database.set_query_timeout(0.5)
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match=r"within 0\.5 s"), database.read() as connection:
        connection.execute(sa.text("SELECT pg_sleep(20)"))
    assert time.monotonic() - began < 10
    assert database.circuit.is_open
    with database.circuit.probing(), database.read() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1


@POSTGRESQL
def test_statements_known_to_take_long_may(database: Database) -> None:
    database.set_query_timeout(0.5)
    with database.read() as connection, without_timeout(connection):
        assert connection.execute(sa.text("SELECT 2 FROM pg_sleep(1.2)")).scalar_one() == 2


@POSTGRESQL
def test_one_who_waits_for_a_lock_counts_as_not_answered(database: Database) -> None:
    database.circuit.enable_probing()
    database.set_query_timeout(0.5)
    with opened(database.url) as other, other.write() as holder:
        event_log.lock(holder)
        with pytest.raises(StoreUnavailableError), database.write() as connection:
            event_log.lock(connection)


@POSTGRESQL
def test_an_erasure_may_take_longer_than_a_feed_waits(database: Database) -> None:
    with database.write() as connection:
        event_log.append_frames(
            connection,
            events_frame([Event(id="e", reader="r", kind=EventKind.CLICK, at=1, known_at=1, article="a")]),
            None,
        )
    database.set_query_timeout(0.5)
    held = threading.Event()

    def hold() -> None:
        with opened(database.url) as other, other.write() as holder:
            holder.execute(sa.text("SELECT 1 FROM events FOR UPDATE"))
            held.set()
            time.sleep(1.5)

    holding = threading.Thread(target=hold)
    holding.start()
    held.wait()
    with database.write() as connection:
        receipt = erasure.erase(connection, "r", 2)
    holding.join()
    assert receipt.counts["events"] == 1
