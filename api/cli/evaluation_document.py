"""Report of an evaluation, for people who do not know the metrics."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from api.application.evaluation_reports import BASELINES, METRICS, SYSTEMS, verdict_of
from api.cli.report_charts import Span, span_chart
from api.cli.report_page import Look, Report, Section
from recsys.errors import DataError
from recsys.evaluation.behaviour.behaviour_check import ENTRY as BEHAVIOUR
from recsys.evaluation.behaviour.behaviour_table import VERDICTS, behaviour_table
from recsys.evaluation.html_tables import Table, number
from recsys.models.served_ranker import FULL_SYSTEM

_MOST_BYTES = 20 * 1_024**2
_SLICES = {
    "later": "Days after those that the model learned from.",
    "in sample": "The model learned from these days, so the figures are too good.",
    "validation": "The last day before the end of the training: the model was measured before it learned from it.",
}
_LOOKS: Mapping[str, Look] = {"good": "good", "soft": "soft", "bad": "bad"}


def read_result(file: Path) -> dict[str, Any]:
    """Return the figures that `attune evaluate --json` wrote.

    Raises:
        DataError: the file cannot be read, is too large, or has other content.
    """
    fix = "write one with `attune evaluate --json FILE`"
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise DataError(f"{file} is larger than {_MOST_BYTES} bytes, so it is no result: {fix}")
        result = json.loads(file.read_text())
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}): {fix}") from error
    except ValueError as error:
        raise DataError(f"{file} is no JSON: {fix}") from error
    parts = ("data", "systems", "comparisons", "slices")
    if not isinstance(result, dict) or not all(isinstance(result.get(part), dict) for part in parts):
        raise DataError(f"{file} is no result of an evaluation: {fix}")
    if FULL_SYSTEM not in result["systems"]:
        raise DataError(f"{file} has no figures of {FULL_SYSTEM}: {fix}")
    return result


def evaluation_report(result: Mapping[str, Any]) -> Report:
    """Return the report of a result of `recsys.evaluation.run_evaluation.evaluate`.

    Raises:
        DataError: a part of the result is missing, or no impression has a clicked and another article.
    """
    try:
        return _report(result)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"the result of the evaluation is incomplete ({error}): write it again with `attune evaluate --json`"
        ) from error


def _report(result: Mapping[str, Any]) -> Report:
    data, systems, comparisons = result["data"], result["systems"], result["comparisons"]
    if systems[FULL_SYSTEM]["auc"] is None:
        raise DataError(
            "no evaluated impression has both a clicked and another article, so there is nothing to report: "
            "evaluate more days with `attune evaluate --from`"
        )
    measured = [name for name in systems if systems[name]["auc"] is not None]
    order = sorted(measured, key=lambda name: -systems[name]["auc"])
    ranked = [
        _span(_name(name), systems[name]["auc"], systems[name]["ci"]["auc"], name == FULL_SYSTEM) for name in order
    ]
    compared = {name: comparisons[name]["difference"] for name in order if name in comparisons}
    differences = [
        _span(f"against {_name(name)}", found["mean"], (found["low"], found["high"]), name in BASELINES)
        for name, found in compared.items()
    ]
    look, verdict = verdict_of(comparisons)
    return Report(
        title="Evaluation of the ranking",
        about=f"Model {result['bundle']}. {data['impressions']:,} lists shown to {data['readers']:,} readers, "
        f"{data['from'][:16]} to {data['to'][:16]} UTC. {_SLICES.get(data['slice'], '')}",
        look=_LOOKS[look],
        verdict=verdict,
        sections=[
            _question(bool(data["sampled_negatives"]), ranked),
            Section(
                "How much better or worse is Attune?",
                [
                    "Each row compares Attune with another way to rank, on the same lists. Right of the line: "
                    "Attune is better. If the bar crosses the line, the data cannot decide. Blue: simple lists "
                    "that need no Attune; grey: parts of Attune."
                ],
                [
                    span_chart(
                        "Difference of AUC", "AUC of Attune less that of the other", differences, "no difference"
                    )
                ],
            ),
            _metrics(systems, order),
            _slices(result["slices"]),
            *_behaviour(result.get(BEHAVIOUR, [])),
        ],
    )


def _question(sampled: bool, ranked: list[Span]) -> Section:
    text = [
        "Past lists are ranked again, each with what was known at its time. A ranking is good if the articles "
        "that the reader opened stand on top.",
        f"{METRICS['auc'][0]}: {METRICS['auc'][1]}",
        "The dot is the mean. The bar is the 95% interval: with other readers of the same kind, the mean would "
        "mostly be inside.",
    ]
    if sampled:
        text.append(
            "The log has no shown lists, so each opened article is ranked among articles drawn at random. That is "
            "easier: do not compare these figures with those of shown lists."
        )
    return Section("Does the ranking find what readers open?", text, [span_chart("AUC by ranking", "AUC", ranked)])


def _metrics(systems: Mapping[str, Any], order: list[str]) -> Section:
    rows = [[_name(name), *(number(systems[name].get(metric)) for metric in METRICS)] for name in order]
    text = [f"{name}: {meaning}" for metric, (name, meaning) in METRICS.items() if metric != "auc"]
    header = ["ranking", *(name for name, _ in METRICS.values())]
    return Section("All metrics", text, table=Table("Means over lists", header, rows))


def _slices(parts: Mapping[str, Any]) -> Section:
    shown = [name for name in (FULL_SYSTEM, "popular", "newest") if all(name in part for part in parts.values())]
    rows = [
        [name, f"{part['impressions']:,}", *(number(part[each]) for each in shown)] for name, part in parts.items()
    ]
    header = ["part", "lists", *(f"AUC of {_name(name)}" for name in shown)]
    text = ["New readers and new articles are the hard cases, because nothing is known about them yet."]
    return Section("Parts of the lists", text, table=Table("AUC by part; a dash: no such list", header, rows))


def _behaviour(checks: Sequence[Mapping[str, Any]]) -> list[Section]:
    """Return the section of the checks, one sentence each; none for a result of an older version."""
    if not checks:
        return []
    text = ["Checks of what the ranking does to readers, articles and sources, not only of how well it ranks."]
    text += [f"{VERDICTS[check['verdict']]}: {check['sentence']}" for check in checks]
    return [Section("How does the ranking behave?", text, table=behaviour_table(checks))]


def _span(name: str, mean: float, interval: Sequence[float | None], own: bool) -> Span:
    """Return a row of a chart; without an interval, for one reader, it is a point."""
    low, high = interval
    return Span(name, mean, mean if low is None else low, mean if high is None else high, own)


def _name(system: str) -> str:
    return SYSTEMS.get(system, system)
