"""Console pages of evaluations: what a model is worth, for readers who do not know the metrics."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request, Response

from api.application import evaluation_reports
from api.application.evaluation_reports import METRICS, SYSTEMS, verdict_of
from api.console.console_pages import show
from api.console.signed_in import console_router
from api.console.svg_charts import Range, range_chart
from api.http.dependencies import App
from recsys.models.served_ranker import FULL_SYSTEM

router = console_router()


@router.get("/evaluation")
def reports(request: Request, app: App, name: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Return the report `name`, by default the validation of the active model.

    Raises:
        RequestError: there is no such report, or it cannot be read.
    """
    names = evaluation_reports.names(app)
    result = evaluation_reports.read(app, name) if name else evaluation_reports.validation(app)
    context = {"names": names, "name": name} | (result_context(result) if result else {"result": None})
    return show(request, "evaluation.html", context)


def result_context(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of `evaluation_result.html` for a result of `attune evaluate`."""
    systems, comparisons = result["systems"], result.get("comparisons", {})
    by_auc = sorted(systems, key=lambda name: -systems[name]["auc"])
    rows = [
        Range(SYSTEMS.get(name, name), values["auc"], *interval, name == FULL_SYSTEM)
        for name, values, interval in ((each, systems[each], _interval(systems[each])) for each in by_auc)
        if interval is not None
    ]
    differences = [
        Range(SYSTEMS.get(name, name), each["mean"], each["low"], each["high"], own=each["low"] > 0)
        for name, each in ((name, comparisons[name]["difference"]) for name in by_auc if name in comparisons)
    ]
    return {
        "result": result,
        "verdict": verdict_of(comparisons),
        "auc_chart": range_chart("AUC of each ranking, with its 95% interval over readers", rows),
        "difference_chart": range_chart("AUC of Attune less that of each other ranking", differences),
        "metrics": METRICS,
        "names_of": SYSTEMS,
        "order": by_auc,
        "own": FULL_SYSTEM,
    }


def _interval(values: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = values.get("ci", {}).get("auc") or (None, None)
    return None if low is None or high is None else (low, high)
