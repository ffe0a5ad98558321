"""Prometheus metrics of feeds: seconds of each stage, and the sources of candidates and of shown articles."""

from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager

import prometheus_client
from prometheus_client import CollectorRegistry, Histogram

from recsys.feed.retrieval import EXPLORE, SOURCES

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

    def explored_share(self) -> float | None:
        """Return the share of shown articles that exploration chose; None before the first feed."""
        shown = {
            sample.labels["source"]: sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == "attune_feed_shown_total"
        }
        total = sum(shown.values())
        return shown[EXPLORE] / total if total else None

    def _by_source(self, name: str, text: str) -> dict[str, prometheus_client.Counter]:
        counter = prometheus_client.Counter(name, text, ["source"], registry=self.registry)
        return {source: counter.labels(source) for source in SOURCES}
