"""Figures of a bundle's validation slice, as its training measured them.

The served rankers are trained again on that slice, so a replay of it would flatter them. The training has measured
the same systems before that, and the manifest keeps the figures.
"""

from typing import Any

from recsys.domain import iso
from recsys.errors import DataError
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.report import comparisons, slices
from recsys.models.model_loader import TrainedSystem
from recsys.store.database import Database
from recsys.store.event_log_reader import slate_span
from recsys.store.log_contents import click_span

LATER, IN_SAMPLE, VALIDATION = "later", "in sample", "validation"
"""Values of `data.slice` in a result: after the bundle's cut-off, with training data, and its validation slice."""

REPORT = "validation_report"
"""Entry of the manifest with the parts of a result besides the figures of the systems."""


def ends_before(database: Database, cut_off: int) -> bool:
    """Return True if the log lacks impressions with clicks at `cut_off` or later; without impressions, clicks."""
    with database.read() as connection:
        spans = [span for span in (slate_span(connection), click_span(connection)) if span is not None]
    return bool(spans) and min(last for _, last in spans) < cut_off


def validation_report(replayed: ReplayScores) -> dict[str, Any]:
    """Return the entry `REPORT` of the manifest; `replayed`: scores on the validation slice."""
    return {
        "impressions": len(replayed),
        "readers": int(replayed.readers.max(initial=-1)) + 1,
        "comparisons": comparisons(replayed),
        "read_comparisons": comparisons(replayed, "read_weighted_ndcg@10"),
        "slices": slices(replayed),
    }


def validation_result(system: TrainedSystem) -> dict[str, Any]:
    """Return the result of `run_evaluation.evaluate` for the validation slice, from the manifest.

    Raises:
        DataError: the manifest does not have it.
    """
    report = system.manifest.get(REPORT)
    if not isinstance(report, dict):
        raise DataError(f"bundle {system.version} has no figures of its validation slice: train a new bundle")
    parts = {name: value for name, value in report.items() if name not in ("impressions", "readers")}
    data = {
        "from": iso(system.validated_from),
        "to": iso(system.trained_until),
        "impressions": report["impressions"],
        "readers": report["readers"],
        "sampled_negatives": system.manifest["data"].get("sampled_negatives") is not None,
        "unseen": system.manifest["data"].get("unseen", 0),
        "slice": VALIDATION,
    }
    figures = {"systems": dict(system.manifest["validation"]), **parts}
    return {"data": data, "bundle": system.version, "seconds": 0.0, **figures}
