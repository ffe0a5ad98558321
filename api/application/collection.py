"""Use-cases of pages: store the events of one reader, and keep those that are refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.application.context import Application
from api.application.ingestion import receive_events
from ingest.collected_rows import RefusedRow, Sender, collected_rows, refused_line
from ingest.page_times import corrected_events
from ingest.pseudonyms import Pseudonyms
from ingest.reasons import PAUSED, reason
from ingest.rolling_rejects import RollingRejects

_KEPT = 20
"""Refused events of one request that are kept, so that one large request does not replace many others."""

_PAUSED = reason("reader", PAUSED)


@dataclass(frozen=True, slots=True)
class Collected:
    """Outcome of the events of a page; stored + duplicates + refused = events sent."""

    stored: int
    duplicates: int
    refused: list[RefusedRow]


@dataclass(frozen=True, slots=True)
class PageEvents:
    """Events of one request. sent_at: microseconds on the browser's clock when it sent them; None if unknown."""

    events: Sequence[object]
    sent_at: int | None


async def collect_events(app: Application, page: PageEvents, sender: Sender, pseudonyms: Pseudonyms) -> Collected:
    """Append the events of a page, by the rules of `receive_events`, with times on this machine's clock.

    Raises:
        StoreError: the database is unavailable.
    """
    rows, refused = collected_rows(page.events, sender)
    events = corrected_events([row for _, row in rows], page.sent_at, app.clock.next())
    received = await receive_events(app, events, pseudonyms)
    for rejected in received.rejected:
        index, row = rows[rejected.index]
        refused.append(RefusedRow(index, row, rejected.problem))
    return Collected(received.accepted, received.duplicates, refused)


def keep_refused(rejects: RollingRejects, refused: Sequence[RefusedRow], reader: str) -> None:
    """Keep the first refused events of the stored `reader`, since the page gets no answer about them.

    Those of a reader who paused learning are not kept.

    Raises:
        ConfigError: the folder of reject files cannot be written.
    """
    kept = [each for each in refused if each.problem.reason != _PAUSED]
    rejects.add([refused_line(each, reader) for each in kept[:_KEPT]])
