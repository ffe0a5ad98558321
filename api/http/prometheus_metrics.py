"""Prometheus metrics: calibration of article vectors, the service and the process. No data of readers."""

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
from recsys.errors import StoreError
from recsys.serving.challenger import Challenger
from recsys.serving.feed_service import FeedService
from recsys.serving.spool import ERASED, FULL, UNREADABLE, UNWRITABLE, Spool
from recsys.store import feed_sources

_PREFIX = "attune_attention"

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

_PLAIN = {
    "window_texts": ("texts", "Number of newest texts in the figures."),
    "flagged_words_ratio": ("flag_rate", "Share of words that the token detector flags."),
    "gated_texts_ratio": ("gated_share", "Share of texts whose vector was adjusted."),
    "received_kl": (
        "received_kl",
        "Mean divergence (nats) of received attention, adjusted from raw; estimated from received mass by head.",
    ),
    "added_seconds": ("seconds_per_text", "Seconds per text added by calibration: statistics, second encoding."),
}
"""Name after the prefix → field of `MonitoringStats`, and description."""


def registry_of(attention: Callable[[], MonitoringStats | None]) -> CollectorRegistry:
    """Return a registry for one app; `attention` is called at every scrape."""
    registry = CollectorRegistry()
    registry.register(AttentionCollector(attention))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def request_latency(registry: CollectorRegistry) -> Histogram:
    """Return the histogram of request seconds by method, route (its template, never a path) and status."""
    return Histogram(
        "attune_request_seconds",
        "Seconds until a request is answered.",
        ["method", "route", "status"],
        buckets=_SECONDS,
        registry=registry,
    )


class ServiceCollector(Collector):
    """Collector of the metrics of a service at the time of a scrape."""

    def __init__(self, service: FeedService) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families; a family without a sample is unknown while the database is unavailable."""
        index = self._service.engine.index
        yield GaugeMetricFamily(
            "attune_index_articles", "Articles in the index.", value=0 if index is None else len(index)
        )
        yield GaugeMetricFamily(
            "attune_log_lag_rows", "Log rows that are not folded yet.", value=self._service.lag()
        )
        yield GaugeMetricFamily(
            "attune_degraded",
            "1 while the database is unavailable and feeds come from memory.",
            value=float(self._service.degraded),
        )
        yield GaugeMetricFamily(
            "attune_stale",
            "1 while the log is folded again, and feeds come from the state so far.",
            value=float(self._service.stale),
        )
        yield GaugeMetricFamily(
            "attune_impaired",
            "1 while the log, new articles or the active bundle cannot be loaded, and the former ones serve.",
            value=float(self._service.background_jobs.failure is not None),
        )
        yield GaugeMetricFamily(
            "attune_recovery_failing",
            "1 while the database is available, but spooled slates cannot be stored.",
            value=float(self._service.background_jobs.recovery_failure is not None),
        )
        yield from _spool(self._service.spool)
        yield InfoMetricFamily(
            "attune_model",
            "Version of the serving models.",
            value={"version": self._service.engine.models.version},
        )
        yield from _shard(self._service)
        yield from self._service.engine.metrics.registry.collect()
        yield from _experiment(self._service.live.challenger)
        yield from _sources(self._service)
        yield GaugeMetricFamily(
            "attune_ready",
            "1 once the articles of the first start are searchable.",
            float(self._service.ready.is_set()),
        )


def _shard(service: FeedService) -> Iterator[Metric]:
    """Yield the readers in the state, by how much it has of them; those of other shards are nearly nothing."""
    state = service.engine.state
    known, held = len(state.readers), state.readers_held
    family = GaugeMetricFamily("attune_state_readers", "Readers in the state of this process.", labels=["held"])
    family.add_metric(["whole"], held)
    family.add_metric(["counters"], known - held)
    yield family
    yield InfoMetricFamily(
        "attune_shard", "Readers whose state this process holds.", value={"shard": str(state.shard)}
    )


def _experiment(challenger: Challenger) -> Iterator[Metric]:
    running = challenger.experiment
    family = GaugeMetricFamily(
        "attune_trial",
        "Share of readers, of shadow feeds, or of interleaved feeds, of the running experiment.",
        labels=["version", "how"],
    )
    if running is not None:
        family.add_metric([running.version, "share"], running.share)
        family.add_metric([running.version, "shadow"], running.shadow)
        family.add_metric([running.version, "interleave"], running.interleave)
    yield family
    yield CounterMetricFamily("attune_shadow_slates", "Shadow slates of the challenger.", value=challenger.unseen)
    yield CounterMetricFamily(
        "attune_shadow_failures", "Failed shadow runs of the challenger.", value=challenger.failed
    )


def _sources(service: FeedService) -> Iterator[Metric]:
    """Yield the states of sources; without samples while the database is unavailable."""
    states = GaugeMetricFamily("attune_sources", "Sources of articles on the web, by state.", labels=["state"])
    age = GaugeMetricFamily(
        "attune_sources_last_success_seconds", "Unix time of the last reading of a source without an error."
    )
    try:
        with service.database.read() as connection:
            found = feed_sources.counts(connection)
    except StoreError:
        found = None  # attune_degraded says so
    if found is not None:
        for state in ("working", "failing", "gone"):
            states.add_metric([state], getattr(found, state))
        if found.last_success is not None:
            age.add_metric([], found.last_success / 1e6)
    yield states
    yield age


def _spool(spool: Spool) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "attune_spool_waiting_slates",
        "Slates on disk that are not stored yet.",
        value=spool.waiting,
    )
    yield CounterMetricFamily(
        "attune_spooled_slates", "Slates spooled while the database was unavailable.", value=spool.taken
    )
    dropped = CounterMetricFamily(
        "attune_spool_dropped_slates", "Slates that were shown but never logged.", labels=["reason"]
    )
    for reason in (FULL, UNWRITABLE, UNREADABLE, ERASED):
        dropped.add_metric([reason], spool.dropped[reason])
    yield dropped


class AttentionCollector(Collector):
    """Collector of calibration metrics; a family without a sample is unknown, or there is no calibrator."""

    def __init__(self, attention: Callable[[], MonitoringStats | None]) -> None:
        self._attention = attention

    def collect(self) -> Iterator[Metric]:
        """Yield the current metric families."""
        stats = self._attention()
        for name, (field, description) in _PLAIN.items():
            yield GaugeMetricFamily(f"{_PREFIX}_{name}", description, value=getattr(stats, field, None))
        yield CounterMetricFamily(
            f"{_PREFIX}_texts", "Texts encoded with a calibrator.", value=stats.total if stats else None
        )
        yield _score(stats)
        yield _drift(stats)
        yield GaugeMetricFamily(
            f"{_PREFIX}_breaker_open",
            "1 while calibration is switched off by its circuit breaker.",
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
    description = "Population stability index of a head's entropy against the normal profile."
    family = GaugeMetricFamily(f"{_PREFIX}_entropy_psi", description, labels=["layer", "head"])
    if stats is not None and stats.entropy_psi is not None:
        for (layer, head), value in np.ndenumerate(stats.entropy_psi):
            family.add_metric([str(layer), str(head)], float(value))
    return family
