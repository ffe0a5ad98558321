"""State of collection in one process: limits, metrics, and files of refused rows."""

from dataclasses import dataclass

from limits import parse
from prometheus_client import CollectorRegistry

from api.http.collect_metrics import CollectMetrics
from api.http.security.rate_limit import limit_of
from api.http.security.window_limit import WindowLimiter
from ingest.rolling_rejects import RollingRejects
from recsys.settings import Settings

_EVENTS_OF_A_PERSON = parse("600/minute")
"""Ten events a second for a minute. A reader who scrolls fast through a long feed causes two or three."""


@dataclass(frozen=True, slots=True)
class CollectState:
    """addresses: limit of requests; people: limit of events of one reader, above which it is a bot."""

    addresses: WindowLimiter
    people: WindowLimiter
    metrics: CollectMetrics
    rejects: RollingRejects


def collect_state(settings: Settings, registry: CollectorRegistry) -> CollectState:
    """Return the state of a process that starts.

    Raises:
        ConfigError: ATTUNE_COLLECT_RATE_LIMIT is not a limit.
    """
    return CollectState(
        addresses=WindowLimiter(limit_of("ATTUNE_COLLECT_RATE_LIMIT", settings.collect_rate_limit)),
        people=WindowLimiter(_EVENTS_OF_A_PERSON),
        metrics=CollectMetrics(registry),
        rejects=RollingRejects(settings.home / "rejects" / "collect"),
    )
