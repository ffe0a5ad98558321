"""Outbox of the log, on both databases: the order of appending, without gaps, from a saved position."""

from recsys.domain import Event, EventKind, Slate
from recsys.serving.clock import Clock
from recsys.serving.log_writer import LogWriter
from recsys.store import log_outbox
from recsys.store.database import Database


def append(database: Database, rows: list[str]) -> None:
    """Append events (e…) and slates (s…), one by one."""
    writer = LogWriter(database, Clock())
    for id_ in rows:
        if id_.startswith("s"):
            slate = Slate(id=id_, reader="r", at=5, known_at=5, candidates=("a", "b"), scores=(0.5, 0.25))
            writer.append_slate(slate, lambda _: None).result()
        else:
            click = Event(id=id_, reader="r", kind=EventKind.CLICK, at=5, known_at=5, article="a", position=3)
            writer.append_events([click]).result()


def test_rows_come_in_the_order_of_appending_whatever_the_batch(database: Database) -> None:
    ids = ["e1", "s1", "s2", "e2", "e3", "s3", "e0"]
    append(database, ids)
    with database.read() as connection:
        for most in (1, 2, 3, 10):
            found: list[str] = []
            seq = 0
            while rows := log_outbox.rows_after(connection, seq, most):
                assert len(rows) <= most
                found += [row.id for _, row in rows]
                seq = rows[-1][0]
            assert found == ids


def test_rows_have_all_their_fields(database: Database) -> None:
    append(database, ["e1", "s1"])
    with database.read() as connection:
        (_, event), (_, slate) = log_outbox.rows_after(connection, 0, 10)
    assert isinstance(event, Event)
    assert (event.kind, event.position) == (EventKind.CLICK, 3)
    assert isinstance(slate, Slate)
    assert (slate.candidates, slate.scores, slate.propensities) == (("a", "b"), (0.5, 0.25), None)


def test_each_destination_has_its_own_position(database: Database) -> None:
    with database.write() as connection:
        for seq in (3, 7):
            log_outbox.save_position(connection, "nats://a", seq)
        log_outbox.save_position(connection, "nats://b", 5)
    with database.read() as connection:
        positions = [log_outbox.position(connection, name) for name in ("nats://a", "nats://b", "nats://c")]
    assert positions == [7, 5, 0]
