"""Use-cases of Gorse users and feedback: records of readers, and events grouped by type, reader and article."""

from collections.abc import Sequence

from api.application.context import Application
from api.application.ingestion import append_events
from ingest.http_ingest import Received
from recsys.errors import StoreUnavailableError
from recsys.serving.pagination import LIFETIME
from recsys.store import gorse_feedback, gorse_users
from recsys.store.gorse_feedback import Feedback, FeedbackKey
from recsys.store.gorse_users import UserRecord

_MAX_ROWS = 100_000
"""Maximum number of listed rows of feedback of one user, or on one item."""


def save_users(app: Application, users: Sequence[UserRecord]) -> None:
    """Store user records; of equal ids the last one counts."""
    with app.database.write() as connection:
        gorse_users.save(connection, list(users), app.clock.next())


def find_user(app: Application, user: str) -> UserRecord | None:
    """Return a reader, with its record if any; None if no data of it is stored."""
    with app.database.read() as connection:
        return gorse_users.get(connection, user)


def list_users(app: Application, after: str, count: int) -> list[UserRecord]:
    """Return `count` known readers by id, after the id `after`."""
    with app.database.read() as connection:
        return gorse_users.page(connection, after, count)


def put_feedback(
    app: Application, events: Sequence[dict[str, object]], replaced: Sequence[FeedbackKey]
) -> Received:
    """Append events, and delete older events of the keys in `replaced`, unless a row was rejected."""
    if not replaced:
        return append_events(app, events)

    def write() -> Received:
        received = append_events(app, events)
        if not received.rejected:
            with app.database.write() as connection:
                gorse_feedback.delete_events(
                    connection, list(replaced), keep=[str(event["id"]) for event in events]
                )
        return received

    return app.between_answers(write)


def delete_feedback(app: Application, which: FeedbackKey) -> int:
    """Delete the events of `which`; return their number. The state is folded again without them."""

    def write() -> int:
        with app.database.write() as connection:
            return gorse_feedback.delete_events(connection, [which], keep=[])

    return app.between_answers(write)


def list_feedback(
    app: Application, which: FeedbackKey, after: FeedbackKey | None = None, count: int = _MAX_ROWS
) -> list[Feedback]:
    """Return `count` rows of feedback of `which`, by reader, article and type, after the key `after`."""
    with app.database.read() as connection:
        return gorse_feedback.list_feedback(connection, which, after, count)


def shown_before(app: Application, reader: str, offset: int) -> tuple[set[str], set[str]]:
    """Return the articles written back to `reader`, and the `offset` articles shown last.

    Raises:
        StoreUnavailableError: the database is unavailable, and there is an offset.
    """
    now = app.clock.next()
    try:
        with app.database.read() as connection:
            write_back_articles = gorse_feedback.write_back_articles(connection, reader, now)
            shown = gorse_feedback.last_shown(connection, reader, now - LIFETIME, offset) if offset else ()
    except StoreUnavailableError:
        if offset:  # the earlier pages are unknown
            raise
        return set(), set()
    return write_back_articles, set(shown)
