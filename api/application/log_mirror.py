"""Use-cases of mirrors of the log: rows that a destination lacks, the note that it has them, and its state."""

from dataclasses import dataclass

from api.application.context import Application
from recsys.store import event_log, log_outbox
from recsys.store.log_outbox import Outbox, OutboxRow


@dataclass(frozen=True, slots=True)
class StreamState:
    """A destination of `attune publish`: its address without user and password, and how many rows it lacks."""

    destination: str
    lacking: int


def stream_states(app: Application) -> list[StreamState]:
    """Return the state of every destination, by address; erased rows count as lacking.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        last = event_log.position(connection).last_seq
        found = log_outbox.positions(connection)
    return [StreamState(destination, last - seq) for destination, seq in sorted(found.items())]


def rows_to_mirror(app: Application, outbox: Outbox, destination: str, most: int) -> list[OutboxRow]:
    """Return up to `most` events and slates that `destination` has not got yet, in the order of the log.

    Give the same `outbox` for all batches, so that files of the archive are read once.

    Raises:
        StoreError: the database is unavailable, or a file of the archive is missing or damaged.
    """
    with app.database.read() as connection:
        return outbox.rows_after(connection, log_outbox.position(connection, destination), most)


def note_mirrored(app: Application, destination: str, seq: int) -> None:
    """Note that `destination` has all rows up to the sequence number `seq`.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.write() as connection:
        log_outbox.save_position(connection, destination, seq)


def unmirrored_rows(app: Application, destination: str) -> int:
    """Return how many rows `destination` lacks; erased rows are counted, too.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        last = event_log.position(connection).last_seq
        return last - log_outbox.position(connection, destination)
