"""Use-cases of streams: store the messages of one batch, and keep the rows that are refused."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from api.application.context import Application
from api.application.ingestion import put_articles, put_impressions, receive_events
from ingest.event_rows import Rejected
from ingest.field_names import Kind
from ingest.http_ingest import Received
from ingest.pseudonyms import Pseudonyms
from ingest.raw_batch import reject_line
from ingest.reasons import Problem
from ingest.rolling_rejects import RollingRejects
from ingest.stream_rows import StreamMessage, StreamRow, rows_of


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Row that is not stored: its `place` in the stream, itself or the start of its body, and its problem."""

    place: str
    content: object
    problem: Problem


@dataclass(slots=True)
class StoredMessages:
    """Outcome of a batch; stored + duplicates + dead letters = rows. lost: values of optional fields left out."""

    stored: int = 0
    duplicates: int = 0
    dead_letters: list[DeadLetter] = field(default_factory=list)
    lost: int = 0

    def add(self, rows: Sequence[StreamRow], received: Received) -> None:
        """Add the outcome of `rows`, of which `received.rejected` gives indices."""
        self.stored += received.accepted
        self.duplicates += received.duplicates
        self.lost += len(received.lost)
        self.dead_letters += [_dead_letter(rows[each.index], each) for each in received.rejected]


async def store_messages(
    app: Application, messages: Sequence[StreamMessage], kind: Kind | None, pseudonyms: Pseudonyms
) -> StoredMessages:
    """Store the rows of messages, in their order, by the rules of the HTTP API and of files.

    Articles are stored first, then impressions, then events, which may quote them.

    When it returns, all rows are committed. Storing the same messages again stores nothing more.

    Args:
        app: the application.
        messages: one batch, in the order of the stream.
        kind: of all rows; None to find it for each row.
        pseudonyms: replace reader ids.

    Raises:
        StoreError: the database is unavailable; parts of the batch may be stored.
    """
    most = app.settings.max_body_bytes
    rows = [row for message in messages for row in rows_of(message, kind, most)]
    outcome = StoredMessages(
        dead_letters=[DeadLetter(row.place, row.content, row.problem) for row in rows if row.problem is not None]
    )
    articles, impressions, events = (_of_kind(rows, kind) for kind in ("articles", "impressions", "events"))
    if articles:
        outcome.add(articles, await asyncio.to_thread(put_articles, app, _contents(articles)))
    if impressions:
        put = await asyncio.to_thread(put_impressions, app, _contents(impressions), pseudonyms)
        outcome.add(impressions, put)
    if events:
        outcome.add(events, await receive_events(app, _contents(events), pseudonyms))
    return outcome


def stream_rejects(app: Application) -> RollingRejects:
    """Return the reject files of streams; the newest rows remain."""
    return RollingRejects(app.settings.home / "rejects" / "streams")


def keep_dead_letters(rejects: RollingRejects, letters: Sequence[DeadLetter], pseudonyms: Pseudonyms) -> None:
    """Append dead letters to reject files, with stored reader ids: erasures look for them.

    Raises:
        ConfigError: the folder of reject files cannot be written.
    """
    rejects.add(
        [
            reject_line("stream", letter.place, "streams", letter.problem, _raw(letter.content, pseudonyms))
            for letter in letters
        ]
    )


def _of_kind(rows: Sequence[StreamRow], kind: str) -> list[StreamRow]:
    return [row for row in rows if row.kind == kind and row.problem is None]


def _contents(rows: Sequence[StreamRow]) -> list[object]:
    return [row.content for row in rows]


def _dead_letter(row: StreamRow, rejected: Rejected) -> DeadLetter:
    return DeadLetter(row.place, row.content, rejected.problem)


def _raw(content: object, pseudonyms: Pseudonyms) -> str:
    """Return a row as text. With pseudonyms, texts without a named reader are left out: they may contain an id."""
    if pseudonyms.plain:
        return content if isinstance(content, str) else json.dumps(content)
    if not isinstance(content, dict) or not isinstance(content.get("reader"), str):
        return ""
    return json.dumps({**content, "reader": pseudonyms.of(content["reader"])})
