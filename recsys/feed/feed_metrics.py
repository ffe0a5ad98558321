"""How long the stages of a feed take, and where what it shows came from: counted here, told by the API."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

CATCH_UP, RETRIEVE, FEATURES, RANK, COMPOSE, EXPLAIN, LOG = (
    "catch_up",
    "retrieve",
    "features",
    "rank",
    "compose",
    "explain",
    "log",
)
STAGES = (CATCH_UP, RETRIEVE, FEATURES, RANK, COMPOSE, EXPLAIN, LOG)

BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds, upper ends of the histogram's buckets; the last bucket has no end."""


class StageTimes:
    """Histograms of seconds by stage.

    Attributes:
        buckets: how often a stage took so long, by stage and bucket, not cumulated [len(BOUNDS) + 1].
        seconds: their sums.
    """

    def __init__(self) -> None:
        self.buckets = {stage: [0] * (len(BOUNDS) + 1) for stage in STAGES}
        self.seconds = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the time that a block takes, also of one that fails."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - began)

    def add(self, stage: str, seconds: float) -> None:
        """Count one more."""
        self.buckets[stage][bisect_left(BOUNDS, seconds)] += 1
        self.seconds[stage] += seconds


class FeedCounts:
    """What feeds of one process took and showed. Whoever counts holds the lock of the engine.

    Attributes:
        times: by stage.
        candidates: articles that were ranked for feeds, by the source that named them.
        shown: articles that were shown, by source.
    """

    def __init__(self) -> None:
        self.times = StageTimes()
        self.candidates: Counter[str] = Counter()
        self.shown: Counter[str] = Counter()
