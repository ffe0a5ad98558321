"""Console page of the service now: figures of this process, and traffic of the last hour, day or week."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from prometheus_client import Histogram

from api.application import service_figures
from api.application.service_figures import WINDOWS
from api.console.console_pages import show
from api.console.signed_in import console_router
from api.console.svg_charts import BarChart, bar_chart
from api.http.dependencies import App
from recsys.domain import SECOND
from recsys.store.traffic import Traffic

router = console_router(prefix="")

_FEEDS = ("/v1/feed/{reader:id}", "/v1/feed", "/api/recommend/{user}")
_FORMATS = {"hour": "%H:%M", "day": "%H:%M", "week": "%a %H:%M"}

_Window = Annotated[Literal["hour", "day", "week"], Query()]


@router.get("/console")
def now(request: Request, app: App, window: _Window = "day") -> Response:
    """Return the page with its charts."""
    series = service_figures.traffic_over(app, WINDOWS[window])
    context = _figures(request, app) | {
        "charts": _charts(series, window),
        "window": window,
        "windows": list(WINDOWS),
    }
    return show(request, "now.html", context)


@router.get("/console/now")
def figures(request: Request, app: App) -> Response:
    """Return the figures alone, for a page that loads them again."""
    return show(request, "now_figures.html", _figures(request, app))


def _figures(request: Request, app: App) -> dict[str, Any]:
    answers = answer_times(request.app.state.latency)
    return {"figures": service_figures.service_figures(app), "answers": answers}


def answer_times(latency: Histogram) -> dict[str, float | None]:
    """Return the median and the 99th percentile of feed seconds of this process, and its share of failed requests.

    None before the first request.
    """
    below: Counter[float] = Counter()
    requests = failed = 0.0
    for sample in (each for family in latency.collect() for each in family.samples):
        if sample.name.endswith("_bucket") and "/feed" in sample.labels["route"]:
            below[float(sample.labels["le"])] += int(sample.value)
        if sample.name.endswith("_count"):
            requests += sample.value
            failed += sample.value if sample.labels["status"].startswith("5") else 0.0
    bounds = sorted(below.items())
    return {
        "median": quantile(bounds, 0.5),
        "slowest": quantile(bounds, 0.99),
        "failed": failed / requests if requests else None,
    }


def quantile(below: Iterable[tuple[float, int]], share: float) -> float | None:
    """Return a quantile of cumulated counts by upper bound, with even spread inside a bucket; None without counts.

    The last bucket has no upper bound: a quantile in it is the bound below.
    """
    bounds = list(below)
    if not bounds or not bounds[-1][1]:
        return None
    rank, lower, counted = share * bounds[-1][1], 0.0, 0
    for upper, count in bounds:
        if count >= rank:
            if upper == float("inf"):
                return lower
            return lower + (upper - lower) * (rank - counted) / max(count - counted, 1)
        lower, counted = upper, count
    return lower


def _charts(series: list[Traffic], window: str) -> list[BarChart]:
    names = [datetime.fromtimestamp(each.period / SECOND, UTC).strftime(_FORMATS[window]) for each in series]
    return [
        bar_chart("Feeds", names, [float(each.feeds) for each in series]),
        bar_chart(
            "Articles opened from 100 feeds", names, [_ratio(100 * each.from_feeds, each.feeds) for each in series]
        ),
        bar_chart(
            "Minutes read per opened article",
            names,
            [_ratio(each.read_seconds / 60, each.opened) for each in series],
        ),
        bar_chart("Events", names, [float(each.events) for each in series]),
    ]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
