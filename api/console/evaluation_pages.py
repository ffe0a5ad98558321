"""Console pages of evaluations: what a model is worth, for readers who do not know the metrics."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request, Response

from api.application import evaluation_reports
from api.console.console_pages import show
from api.console.signed_in import console_router
from api.console.svg_charts import Range, range_chart
from api.http.dependencies import App
from recsys.models.served_ranker import FULL_SYSTEM

router = console_router()

METRICS = {
    "auc": (
        "AUC",
        "The chance that an article which the reader opened stands above one that the reader did not open. "
        "0.5 is no better than chance, 1 is perfect.",
    ),
    "mrr": (
        "MRR",
        "One divided by the place of the first opened article: 1 if it is always on top, 0.5 for place two.",
    ),
    "ndcg@5": (
        "nDCG@5",
        "How near the order of the first five places is to the best possible one: 1 is the best.",
    ),
    "ndcg@10": ("nDCG@10", "The same for the first ten places."),
    "read_weighted_ndcg@10": (
        "Read-weighted nDCG@10",
        "The same, but articles that were read to the end count more than those left at once.",
    ),
}
"""Metric → its name, and one sentence that explains it."""

SYSTEMS = {
    FULL_SYSTEM: "Attune",
    "attune_without_text": "Attune without text",
    "pointwise_ranker": "pointwise ranker",
    "feed_ranker": "click ranker of feeds",
    "blend": "blend",
    "nrms": "preference network",
    "content_match": "untrained match",
    "content": "mean of the reads",
    "untrained": "untrained ranker",
    "popular": "most clicks",
    "popular_ctr": "best click-through",
    "newest": "newest first",
    "random": "random",
}
"""Rows of results in plain words."""

BASELINES = ("popular", "popular_ctr", "newest", "random", "content")
"""What a publisher would have without Attune."""


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


def verdict_of(comparisons: Mapping[str, Any]) -> tuple[str, str]:
    """Return the verdict against the baselines, as a word for its look and a sentence."""
    verdicts = {name: comparisons[name]["verdict"] for name in BASELINES if name in comparisons}
    lost = [SYSTEMS[name] for name, verdict in verdicts.items() if verdict == "loss"]
    tied = [SYSTEMS[name] for name, verdict in verdicts.items() if verdict == "tie"]
    if not verdicts:
        return "soft", "There is nothing to compare with: the report has no baselines."
    if lost:
        return (
            "bad",
            f"Worse than {', '.join(lost)}. Do not serve this model; look at the warnings of its training.",
        )
    if tied:
        return "soft", f"Not clearly better than {', '.join(tied)}. More readers and clicks would decide it."
    return "good", "Clearly better than every simple list: most clicks, newest first, best click-through, random."


def _interval(values: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = values.get("ci", {}).get("auc") or (None, None)
    return None if low is None or high is None else (low, high)
