"""Prometheus metrics of feeds: seconds of each stage, and the sources of candidates and of shown articles."""

from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager

import numpy as np
import prometheus_client
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Histogram

from recsys.domain import HOUR
from recsys.feed.retrieval import EXPLORE, FRESH, SOURCES

CATCH_UP, RETRIEVE, FEATURES, SCORE, EDIT, SELECT, EXPLAIN, LOG = (
    "catch_up",
    "retrieve",
    "features",
    "score",
    "edit",
    "select",
    "explain",
    "log",
)
STAGES = (CATCH_UP, RETRIEVE, FEATURES, SCORE, EDIT, SELECT, EXPLAIN, LOG)

_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class FeedMetrics:
    """Metrics of the feeds of one engine, in their own registry. Rankings of given candidates are not counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        seconds = Histogram(
            "attune_feed_stage_seconds",
            "Seconds of the stages of a feed.",
            ["stage"],
            buckets=_BOUNDS,
            registry=self.registry,
        )
        self._stages = {stage: seconds.labels(stage) for stage in STAGES}
        self._candidates = self._by_source(
            "attune_feed_candidates", "Articles ranked for feeds, by retrieval source."
        )
        self._shown = self._by_source("attune_feed_shown", "Articles shown in feeds, by retrieval source.")
        drawn = prometheus_client.Counter(
            "attune_feed_drawn", "Articles drawn by exploration, by draw.", ["draw"], registry=self.registry
        )
        self._drawn = {draw: drawn.labels(draw) for draw in (EXPLORE, FRESH)}
        self._filled = self._counter("attune_feed_filled", "Feeds with at least one article.")
        self._with_new = self._counter("attune_feed_with_new", "Feeds with an article under an hour old.")

    def timed(self, stage: str) -> AbstractContextManager[object]:
        """Measure the seconds of a block, also if it fails."""
        return self._stages[stage].time()

    def count_candidates(self, sources: Iterable[str]) -> None:
        """Count ranked candidates, one per source given."""
        for source, count in Counter(sources).items():
            self._candidates[source].inc(count)

    def count_shown(self, sources: Iterable[str]) -> None:
        """Count shown articles, one per source given."""
        for source, count in Counter(sources).items():
            self._shown[source].inc(count)

    def count_drawn(self, draws: Iterable[str | None]) -> None:
        """Count the draws of a slate; None: the article was not drawn."""
        for draw in draws:
            if draw is not None:
                self._drawn[draw].inc()

    def count_new(self, available_since: NDArray[np.int64], as_of: int) -> None:
        """Count a feed, and whether one of its articles [k] became available in the hour before `as_of`."""
        if len(available_since):
            self._filled.inc()
            self._with_new.inc(bool(((available_since < as_of) & (available_since > as_of - HOUR)).any()))

    def share_with_new(self) -> float | None:
        """Return the share of feeds with an article under an hour old; None before the first feed."""
        filled = self._total("attune_feed_filled_total")
        return self._total("attune_feed_with_new_total") / filled if filled else None

    def explored_share(self) -> float | None:
        """Return the share of shown articles that exploration chose; None before the first feed."""
        shown = self._total("attune_feed_shown_total")
        return self._total("attune_feed_drawn_total") / shown if shown else None

    def _total(self, name: str) -> float:
        samples = (sample for family in self.registry.collect() for sample in family.samples)
        return sum(sample.value for sample in samples if sample.name == name)

    def _counter(self, name: str, text: str) -> prometheus_client.Counter:
        return prometheus_client.Counter(name, text, registry=self.registry)

    def _by_source(self, name: str, text: str) -> dict[str, prometheus_client.Counter]:
        counter = prometheus_client.Counter(name, text, ["source"], registry=self.registry)
        return {source: counter.labels(source) for source in SOURCES}
