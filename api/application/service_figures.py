"""Use-case of operators: figures of the running service, and its traffic over time from roll-ups."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.application.context import Application
from recsys.domain import DAY, HOUR, MINUTE
from recsys.errors import StoreUnavailableError
from recsys.store import traffic
from recsys.store.traffic import PERIOD, Traffic


@dataclass(frozen=True, slots=True)
class Window:
    """Time that a chart shows, and the time of one of its bars, in microseconds."""

    length: int
    step: int


WINDOWS: Mapping[str, Window] = {
    "hour": Window(HOUR, PERIOD),
    "day": Window(DAY, HOUR),
    "week": Window(7 * DAY, 6 * HOUR),
}


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """Figures of one process now.

    minute: traffic of the last minute, of all processes; None while the database is unavailable. lag: rows of the
    log that are not folded; None likewise. backlog: articles that wait for the encoder. explored: share of shown
    articles that exploration chose, since the start; with_new: share of feeds with an article under an hour old;
    both None before the first feed. failure: why the log, articles or the active bundle cannot be
    loaded.
    """

    model: str
    articles: int
    backlog: int
    lag: int | None
    minute: Traffic | None
    explored: float | None
    with_new: float | None
    degraded: bool
    failure: str | None


def service_figures(app: Application) -> ServiceFigures:
    """Return the figures of this process."""
    live, now = app.feed.live, app.clock.next()
    index = live.engine.index
    try:
        with app.database.read() as connection:
            minute = traffic.count(connection, now - MINUTE, now)
    except StoreUnavailableError:  # the page shows that the database is away
        minute = None
    return ServiceFigures(
        model=live.engine.models.version,
        articles=0 if index is None else len(index),
        backlog=live.serving.unencoded.height,
        lag=app.feed.lag(),
        minute=minute,
        explored=live.engine.metrics.explored_share(),
        with_new=live.engine.metrics.share_with_new(),
        degraded=app.feed.degraded,
        failure=app.feed.background_jobs.failure,
    )


def traffic_over(app: Application, window: Window) -> list[Traffic]:
    """Return the traffic of a window until now, one entry by step, oldest first; steps without a row are zeros.

    Raises:
        StoreError: the database is unavailable.
    """
    now = app.clock.next()
    last = now // window.step * window.step
    first = last - window.length + window.step
    with app.database.read() as connection:
        found = traffic.since(connection, first)
    steps: dict[int, list[Traffic]] = {at: [] for at in range(first, last + 1, window.step)}
    for each in found:
        steps.setdefault(each.period // window.step * window.step, []).append(each)
    return [_sum(at, parts) for at, parts in sorted(steps.items())]


def _sum(at: int, parts: list[Traffic]) -> Traffic:
    return Traffic(
        at,
        sum(each.feeds for each in parts),
        sum(each.shown for each in parts),
        sum(each.events for each in parts),
        sum(each.opened for each in parts),
        sum(each.from_feeds for each in parts),
        sum(each.read_seconds for each in parts),
    )
