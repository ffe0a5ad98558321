"""What Prometheus reads: calibration of article vectors, and basics of the process. Nothing of readers."""

from collections.abc import Callable, Iterator

import numpy as np
from prometheus_client import CollectorRegistry, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from recsys.calibration.monitoring_stats import MonitoringStats
from recsys.serving.challenger import Challenger
from recsys.serving.feed_service import FeedService
from recsys.serving.spool import ERASED, FULL, UNREADABLE, UNWRITABLE, Spool

_PREFIX = "attune_attention"

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

_PLAIN = {
    "window_texts": ("texts", "Texts that the figures are of, the newest ones."),
    "flagged_words_ratio": ("flag_rate", "Share of words that the token detector flags."),
    "gated_texts_ratio": ("gated_share", "Share of texts whose vector was adjusted."),
    "received_kl": (
        "received_kl",
        "Mean divergence (nats) of what tokens receive, adjusted from raw; estimated from received mass by head.",
    ),
    "added_seconds": ("seconds_per_text", "Seconds a text that calibration adds: inspecting, and reading again."),
}
"""Name behind the prefix → field of `MonitoringStats`, and help."""


def registry_of(attention: Callable[[], MonitoringStats | None]) -> CollectorRegistry:
    """A registry of its own for one app; `attention` is asked at every scrape."""
    registry = CollectorRegistry()
    registry.register(AttentionCollector(attention))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def request_latency(registry: CollectorRegistry) -> Histogram:
    """Seconds of requests by method, route (its template, never a path) and status."""
    return Histogram(
        "attune_request_seconds",
        "Seconds until a request was answered.",
        ["method", "route", "status"],
        buckets=_SECONDS,
        registry=registry,
    )


class ServiceCollector(Collector):
    """What a service holds, as of a scrape."""

    def __init__(self, service: FeedService) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """The families; one without a sample is not known while the store cannot be reached."""
        index = self._service.engine.index
        yield GaugeMetricFamily(
            "attune_index_articles", "Articles that retrieval finds.", value=0 if index is None else len(index)
        )
        yield GaugeMetricFamily(
            "attune_log_lag_rows", "Rows of the log that are not folded yet.", value=self._service.lag()
        )
        yield GaugeMetricFamily(
            "attune_degraded",
            "1 while the database is away and feeds come from memory.",
            value=float(self._service.degraded),
        )
        yield GaugeMetricFamily(
            "attune_impaired",
            "1 while it takes in no new articles, or not the active bundle, and answers as it did.",
            value=float(self._service.background_jobs.failure is not None),
        )
        yield GaugeMetricFamily(
            "attune_recovery_failing",
            "1 while the database answers, and spooled slates cannot be brought to it.",
            value=float(self._service.background_jobs.recovery_failure is not None),
        )
        yield from _spool(self._service.spool)
        yield InfoMetricFamily(
            "attune_model", "What ranks.", value={"version": self._service.engine.models.version}
        )
        yield from self._service.engine.metrics.registry.collect()
        yield from _trial(self._service.live.challenger)
        yield GaugeMetricFamily(
            "attune_ready",
            "1 once the articles of the first start are searchable.",
            float(self._service.ready.is_set()),
        )


def _trial(challenger: Challenger) -> Iterator[Metric]:
    tried = challenger.experiment
    experiment = GaugeMetricFamily(
        "attune_trial",
        "Share of readers, or of feeds in the shadow, of a model on trial.",
        labels=["version", "how"],
    )
    if tried is not None:
        experiment.add_metric([tried.version, "share"], tried.share)
        experiment.add_metric([tried.version, "shadow"], tried.shadow)
    yield experiment
    yield CounterMetricFamily(
        "attune_shadow_slates", "Slates that a model on trial made unseen.", value=challenger.unseen
    )
    yield CounterMetricFamily(
        "attune_shadow_failures", "Slates that a model on trial failed to make, unseen.", value=challenger.failed
    )


def _spool(spool: Spool) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "attune_spool_waiting_slates",
        "Slates on disk that wait for the database.",
        value=spool.waiting,
    )
    yield CounterMetricFamily(
        "attune_spooled_slates", "Slates shown while the database was away, and spooled.", value=spool.taken
    )
    dropped = CounterMetricFamily(
        "attune_spool_dropped_slates", "Slates that were shown and never came to the log.", labels=["reason"]
    )
    for reason in (FULL, UNWRITABLE, UNREADABLE, ERASED):
        dropped.add_metric([reason], spool.dropped[reason])
    yield dropped


class AttentionCollector(Collector):
    """Every family is named at every scrape; one without a sample is not known, or there is no calibrator."""

    def __init__(self, attention: Callable[[], MonitoringStats | None]) -> None:
        self._attention = attention

    def collect(self) -> Iterator[Metric]:
        """The families, as of now."""
        stats = self._attention()
        for name, (field, told) in _PLAIN.items():
            yield GaugeMetricFamily(f"{_PREFIX}_{name}", told, value=getattr(stats, field, None))
        yield CounterMetricFamily(
            f"{_PREFIX}_texts", "Texts read with a calibrator.", value=stats.total if stats else None
        )
        yield _score(stats)
        yield _drift(stats)
        yield GaugeMetricFamily(
            f"{_PREFIX}_breaker_open",
            "1 while calibration is switched off because it misbehaved.",
            value=None if stats is None else float(stats.breaker is not None),
        )


def _score(stats: MonitoringStats | None) -> Metric:
    family = GaugeMetricFamily(f"{_PREFIX}_score", "Structure score (D1) of texts.", labels=["quantile"])
    if stats is not None:
        for quantile, value in (("0.5", stats.score_p50), ("0.99", stats.score_p99)):
            if value is not None:
                family.add_metric([quantile], value)
    return family


def _drift(stats: MonitoringStats | None) -> Metric:
    told = "Population stability index of a head's entropy against the normal profile."
    family = GaugeMetricFamily(f"{_PREFIX}_entropy_psi", told, labels=["layer", "head"])
    if stats is not None and stats.entropy_psi is not None:
        for (layer, head), value in np.ndenumerate(stats.entropy_psi):
            family.add_metric([str(layer), str(head)], float(value))
    return family
