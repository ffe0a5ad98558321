"""Claims of newsletters, on every database."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from recsys.store import erasure, letters, tables
from recsys.store.conflict_insert import insert
from recsys.store.database import Database
from recsys.store.letters import LetterStatus

DAY = "2026-11-28"


def claimed(database: Database, *readers: str, period: str = DAY, written: Collection[str] = ()) -> dict[str, str]:
    """Claim letters of readers, who have rows in the log from then on."""
    with database.write() as connection:
        rows = [{"id": reader, "first_seen_at": 1} for reader in readers]
        if rows:
            connection.execute(insert(connection, tables.readers).on_conflict_do_nothing(), rows)
        return dict(letters.claim(connection, readers, period, 1, written))


def test_a_claim_that_was_interrupted_is_made_again_under_a_new_request_id(database: Database) -> None:
    first = claimed(database, "a", "b")
    second = claimed(database, "b", "c")
    assert second["b"] != first["b"]
    assert claimed(database) == {}
    with database.read() as connection:
        stored = dict(connection.execute(sa.select(tables.letters.c.reader, tables.letters.c.request_id)).all())
    assert stored == {"a": first["a"]} | second


def test_a_claim_whose_letter_was_written_keeps_its_request_id(database: Database) -> None:
    first = claimed(database, "a", "b")
    assert claimed(database, "a", "b", written={first["a"]})["a"] == first["a"]


def test_readers_unsubscribed_or_erased_during_a_run_get_no_letter(database: Database) -> None:
    claimed(database, "a", "b", "c")
    with database.write() as connection:
        letters.unsubscribe(connection, "a", 2)
        assert not letters.begin_sending(connection, "a", DAY, 3)
        assert letters.begin_sending(connection, "b", DAY, 3)
        assert set(letters.claim(connection, ["a", "c", "nobody"], DAY, 4, ())) == {"c"}


def test_a_letter_is_sent_once_a_period(database: Database) -> None:
    claimed(database, "a", "b", "c", "d")
    with database.write() as connection:
        assert letters.begin_sending(connection, "a", DAY, 2)
        assert not letters.begin_sending(connection, "a", DAY, 3)
        letters.finish(connection, ["a"], DAY, LetterStatus.SENT, 4)
        letters.finish(connection, ["b"], DAY, LetterStatus.WRITTEN, 4)
        letters.finish(connection, ["c"], DAY, LetterStatus.FAILED, 4)
        letters.release(connection, ["d"], DAY)
    assert set(claimed(database, "a", "b", "c", "d")) == {"c", "d"}
    assert set(claimed(database, "a", "b", period="2026-11-29")) == {"a", "b"}


def test_a_letter_whose_sender_died_is_never_sent_again(database: Database) -> None:
    claimed(database, "a", "b")
    with database.write() as connection:
        letters.begin_sending(connection, "a", DAY, 2)
    with database.write() as connection:
        letters.mark_interrupted(connection, DAY, 3)
        assert letters.of_status(connection, DAY, LetterStatus.UNKNOWN) == ["a"]
    assert set(claimed(database, "a", "b")) == {"b"}


def test_of_many_processes_one_sends(database: Database) -> None:
    def send(_: int) -> bool:
        claimed(database, "a")
        with database.write() as connection:
            return letters.begin_sending(connection, "a", DAY, 2)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(8))) == 1


def test_unsubscribing_lasts_until_the_reader_wants_letters_again(database: Database) -> None:
    with database.write() as connection:
        letters.unsubscribe(connection, "a", 1)
        letters.unsubscribe(connection, "a", 2)
        letters.unsubscribe(connection, "b", 2)
        letters.subscribe(connection, "b")
        assert letters.unsubscribed_readers(connection) == {"a"}


def test_an_erased_reader_has_no_letters(database: Database) -> None:
    claimed(database, "a", "b")
    with database.write() as connection:
        letters.unsubscribe(connection, "a", 1)
        counts = erasure.erase(connection, "a", 5).counts
        assert (counts["letters"], counts["unsubscribed"]) == (1, 1)
        assert letters.unsubscribed_readers(connection) == set()
    with database.read() as connection:
        assert letters.of_status(connection, DAY, LetterStatus.MAKING) == ["b"]
