"""Checks of the answers during an outage against the expected answers and the log."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import sqlalchemy as sa

from benchmarks.traffic import Answer
from recsys.store.database import opened
from recsys.store.tables import events, impressions


@dataclass(frozen=True, slots=True)
class Outage:
    """Times of an outage: start and end of the cut, and the restoration, in seconds of `time.perf_counter`."""

    cutting: float
    cut: float
    mended: float


@dataclass(slots=True)
class OutageResults:
    """All answers.

    fresh, degraded: times of feeds; failed: feeds that were not answered 200, by status; slates: shown articles,
    by request.
    """

    fresh: list[float] = field(default_factory=list)
    degraded: list[float] = field(default_factory=list)
    failed: Counter[int] = field(default_factory=Counter)
    events: list[Answer] = field(default_factory=list)
    slates: dict[str, list[str]] = field(default_factory=dict)

    def update(self, answer: Answer) -> None:
        """Add an answer. An empty feed is not a slate."""
        if answer.event is not None:
            self.events.append(answer)
        elif not answer.succeeded:
            self.failed[answer.status] += 1
        else:
            content = json.loads(answer.body)
            (self.degraded if content["degraded"] else self.fresh).append(answer.received)
            if content["items"]:
                self.slates[content["request_id"]] = [item["id"] for item in content["items"]]

    @property
    def stored(self) -> list[Answer]:
        """Events that were answered as stored."""
        return [answer for answer in self.events if answer.succeeded]

    def wrong(self, outage: Outage) -> list[Answer]:
        """Return the events with an unexpected answer."""
        return [answer for answer in self.events if not _is_expected(answer, outage)]

    def recovery(self, outage: Outage) -> float:
        """Return the seconds from the restoration to the last degraded or refused answer, or infinity."""
        refused = [answer.received for answer in self.events if not answer.succeeded]
        last = max([outage.mended, *self.degraded, *refused])
        over = max(self.fresh, default=0.0) > last and any(answer.received > last for answer in self.stored)
        return last - outage.mended if over else float("inf")

    def missing(self, database_url: str) -> tuple[int, int]:
        """Return the number of slates that are not in the log once, as shown, and of missing stored events.

        Raises:
            StoreError: the database is unavailable.
        """
        logged = defaultdict[str, list[list[str]]](list)
        with opened(database_url) as database, database.read() as connection:
            for request, shown in connection.execute(sa.select(impressions.c.id, impressions.c.candidates)):
                if request in self.slates:
                    logged[request].append(json.loads(shown))
            known = set(connection.scalars(sa.select(events.c.id)))
        slates = sum(logged[request] != [shown] for request, shown in self.slates.items())
        return slates, sum(answer.event not in known for answer in self.stored)


def _is_expected(answer: Answer, outage: Outage) -> bool:
    """Return True for events stored before the cut, refused during it, and either way while it starts or ends."""
    refused = answer.status == 503 and b"\r\nretry-after:" in answer.head
    if answer.received <= outage.cutting:
        return answer.succeeded
    if answer.sent >= outage.cut and answer.received <= outage.mended:
        return refused
    return answer.succeeded or refused
