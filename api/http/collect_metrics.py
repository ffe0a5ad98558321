"""Prometheus metrics of collection: a page gets no answer, so these show a publisher what was stored."""

from prometheus_client import CollectorRegistry, Counter

from api.application.collection import Collected


class CollectMetrics:
    """Counters of the events that pages sent."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "attune_collect_events", "Events that pages sent, by outcome.", ["outcome"], registry=registry
        )
        self._refused = Counter(
            "attune_collect_refused",
            "Events of pages that are not stored, by reason.",
            ["reason"],
            registry=registry,
        )

    def note(self, found: Collected) -> None:
        """Count the events of one request."""
        outcomes = {"stored": found.stored, "duplicate": found.duplicates, "refused": len(found.refused)}
        for outcome, number in outcomes.items():
            self._events.labels(outcome).inc(number)
        for each in found.refused:
            self._refused.labels(each.problem.reason).inc()
