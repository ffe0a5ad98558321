"""Use-cases of evaluations: reports of ATTUNE_HOME, the active bundle's validation, and their verdict in words."""

import json
from collections.abc import Mapping
from typing import Any

from api.application.context import Application
from recsys.errors import RequestError
from recsys.models import bundle
from recsys.models.served_ranker import FULL_SYSTEM

_FOLDER = "reports"
_MOST, _MOST_BYTES = 100, 20 * 1_024**2


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


def names(app: Application) -> list[str]:
    """Return the names of the reports that `attune evaluate --json HOME/reports/NAME.json` wrote, newest first."""
    found = [(path.stat().st_mtime, path.stem) for path in (app.settings.home / _FOLDER).glob("*.json")]
    return [name for _, name in sorted(found, reverse=True)[:_MOST]]


def read(app: Application, name: str) -> dict[str, Any]:
    """Return a report.

    Raises:
        RequestError: there is no such report, it is too large, or was not written by `attune evaluate --json`.
    """
    if name not in names(app):
        raise RequestError(f"there is no report {name!r}: write one with `attune evaluate --json`")
    path = app.settings.home / _FOLDER / f"{name}.json"
    if path.stat().st_size > _MOST_BYTES:
        raise RequestError(f"the report {name!r} is larger than {_MOST_BYTES} bytes")
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise RequestError(f"the report {name!r} cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(found.get(key), dict) for key in ("systems", "data")):
        raise RequestError(
            f"{name!r} is no report of `attune evaluate --json`: move it out of the folder of reports"
        )
    return found


def validation(app: Application) -> dict[str, Any] | None:
    """Return the figures of the active bundle's validation slice; None without a bundle.

    Raises:
        BundleError: the bundle is damaged.
    """
    version = bundle.active_version(app.settings.home)
    if version is None:
        return None
    manifest = bundle.load(app.settings.home, version).manifest
    return {"systems": manifest["validation"], "bundle": version, **(manifest.get("validation_report") or {})}


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
