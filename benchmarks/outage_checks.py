"""What a generator heard while the database was away, against what was to be answered and what the log holds."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import sqlalchemy as sa

from benchmarks.traffic import Answer
from recsys.store.database import opened
from recsys.store.tables import events, impressions


@dataclass(frozen=True, slots=True)
class Away:
    """When the line was cut, begun and done, and when it was mended: seconds of `time.perf_counter`."""

    cutting: float
    cut: float
    mended: float


@dataclass(slots=True)
class Heard:
    """All answers.

    fresh, degraded: when feeds came; failed: feeds that were not answered 200, by status; slates: articles shown,
    by request.
    """

    fresh: list[float] = field(default_factory=list)
    degraded: list[float] = field(default_factory=list)
    failed: Counter[int] = field(default_factory=Counter)
    events: list[Answer] = field(default_factory=list)
    slates: dict[str, list[str]] = field(default_factory=dict)

    def update(self, answer: Answer) -> None:
        """Take in an answer. A feed that shows nothing is no slate."""
        if answer.event is not None:
            self.events.append(answer)
        elif not answer.wanted:
            self.failed[answer.status] += 1
        else:
            told = json.loads(answer.body)
            (self.degraded if told["degraded"] else self.fresh).append(answer.came)
            if told["items"]:
                self.slates[told["request_id"]] = [item["id"] for item in told["items"]]

    @property
    def stored(self) -> list[Answer]:
        """Events that were answered as stored."""
        return [answer for answer in self.events if answer.wanted]

    def wrong(self, away: Away) -> list[Answer]:
        """Events that were answered otherwise than they should."""
        return [answer for answer in self.events if not _right(answer, away)]

    def recovery(self, away: Away) -> float:
        """Seconds from mending to the last answer degraded or refused; infinite if no better one followed."""
        refused = [answer.came for answer in self.events if not answer.wanted]
        last = max([away.mended, *self.degraded, *refused])
        over = max(self.fresh, default=0.0) > last and any(answer.came > last for answer in self.stored)
        return last - away.mended if over else float("inf")

    def missing(self, database_url: str) -> tuple[int, int]:
        """How many slates are not in the log once, as shown, and how many events that were told to be stored.

        Raises:
            StoreError: the database cannot be reached.
        """
        logged = defaultdict[str, list[list[str]]](list)
        with opened(database_url) as database, database.read() as connection:
            for request, shown in connection.execute(sa.select(impressions.c.id, impressions.c.candidates)):
                if request in self.slates:
                    logged[request].append(json.loads(shown))
            known = set(connection.scalars(sa.select(events.c.id)))
        slates = sum(logged[request] != [shown] for request, shown in self.slates.items())
        return slates, sum(answer.event not in known for answer in self.stored)


def _right(answer: Answer, away: Away) -> bool:
    """Stored before the line is cut, refused after; while it is being cut, and after it is mended, either."""
    refused = answer.status == 503 and b"\r\nretry-after:" in answer.head
    if answer.came <= away.cutting:
        return answer.wanted
    if answer.asked >= away.cut and answer.came <= away.mended:
        return refused
    return answer.wanted or refused
