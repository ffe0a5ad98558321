"""Report of a trial: what the challenger's readers did, compared with the readers of the active bundle."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from api.cli.report_charts import Span, span_chart
from api.cli.report_page import Look, Report, Section
from recsys.errors import DataError
from recsys.evaluation.ab_test import Arm, Shadow, arms, shadows
from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.html_tables import Table
from recsys.store.audit_log import AuditAction, AuditRow

_OUTCOMES = {
    "opened": (
        "Share of lists with an opened article, in percent",
        "How often a reader opens at least one article of a list.",
        100.0,
    ),
    "clicks": ("Opened articles per list", "How many articles of a list a reader opens, on average.", 1.0),
    "seconds": (
        "Seconds of reading per list",
        "How long a reader reads articles of a list, on average. A very long reading counts as a capped one.",
        1.0,
    ),
}
"""Outcome: title, explanation, factor of the shown figure."""

_FEWEST_READERS = 30
"""Readers of each arm below which there is no verdict: intervals of so few readers are too narrow."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Trial as the audit log has it: version of the challenger, and its time in microseconds.

    end: None while it runs.
    """

    challenger: str
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Compared:
    """An outcome of the challenger less that of the reference, with its 95% interval."""

    outcome: str
    difference: Interval


def newest_trial(rows: Sequence[AuditRow]) -> Trial:
    """Return the newest trial in `rows` of the audit log, newest first.

    A new start with the same challenger changes its shares; the trial goes on.

    Raises:
        DataError: there is none.
    """
    found: Trial | None = None
    end = None
    for row in rows:
        version = row.subject.split(" ")[0]
        if found is not None and (row.act != AuditAction.EXPERIMENT_STARTED or version != found.challenger):
            break
        if row.act == AuditAction.EXPERIMENT_STARTED:
            found = Trial(version, row.at, end)
        else:
            end = row.at
    if found is None:
        raise DataError(
            "the audit log has no trial, so there is nothing to report: start one with "
            "`attune models try VERSION --share 0.1`"
        )
    return found


def trial_report(trial: Trial, outcomes: pl.DataFrame, unseen: pl.DataFrame, period: str) -> Report:
    """Return the report of a trial.

    outcomes, unseen: columns `store.experiments.OUTCOMES` and `SHADOWS`, of the time of the trial. period: text.

    Raises:
        DataError: the challenger has no list in either.
    """
    found = {arm.model: arm for arm in arms(outcomes)}
    shadow = next((each for each in shadows(unseen) if each.model == trial.challenger), None)
    own = found.pop(trial.challenger, None)
    reference = max(found.values(), key=lambda arm: arm.slates, default=None)
    if own is None and shadow is None:
        raise DataError(
            f"the trial of {trial.challenger} has no list yet, neither shown nor made in the shadow: wait until "
            "readers have requested feeds"
        )
    sections = []
    look: Look = "soft"
    verdict = "The challenger ranked in the shadow only: no reader saw its lists, so nobody could open them."
    if own is not None and reference is not None:
        compared = [_compare(outcome, own, reference) for outcome in _OUTCOMES]
        look, verdict = _verdict(compared, min(own.readers, reference.readers))
        sections = [_outcomes(own, reference), _differences(compared)]
    elif own is not None:
        verdict = "Only the challenger answered readers, so there is nothing to compare it with."
        sections = [_outcomes(own, None)]
    if shadow is not None:
        sections.append(_shadow(shadow))
    readers = ", ".join(f"{arm.readers:,} readers of {arm.model}" for arm in (own, reference) if arm is not None)
    about = f"Challenger {trial.challenger}, {period}{': ' if readers else ''}{readers}."
    return Report("Trial of a model", about, look, verdict, sections)


def _compare(outcome: str, own: Arm, reference: Arm) -> Compared:
    """Return the difference of two arms. They have different readers, so their variances add.

    The half widths of both 95% intervals are added in squares, as for independent means that are about normal.
    """
    one, two = _interval(own, outcome), _interval(reference, outcome)
    mean = one.mean - two.mean
    below = float(((one.mean - one.low) ** 2 + (two.high - two.mean) ** 2) ** 0.5)
    above = float(((one.high - one.mean) ** 2 + (two.mean - two.low) ** 2) ** 0.5)
    return Compared(outcome, Interval(mean, mean - below, mean + above))


def _verdict(compared: Sequence[Compared], readers: int) -> tuple[Look, str]:
    """Return the verdict. readers: of the smaller arm."""
    if readers < _FEWEST_READERS:
        return "soft", (
            f"Too few readers for a verdict: the smaller arm has {readers}, and {_FEWEST_READERS} are needed. "
            "Wait, or give the challenger a larger share."
        )
    better = [each for each in compared if each.difference.low > 0]
    worse = [each for each in compared if each.difference.high < 0]
    if better and worse:
        return "soft", f"Better in {_names(better)}, but worse in {_names(worse)}. Decide what matters more."
    if worse:
        return "bad", f"The challenger is worse in {_names(worse)}. End the trial."
    if better:
        return "good", f"The challenger is better in {_names(better)}, and worse in nothing. Activate it."
    return "soft", "No clear difference yet. More readers or more days would decide it."


def _names(compared: Sequence[Compared]) -> str:
    return ", ".join(_OUTCOMES[each.outcome][0].split(",")[0].lower() for each in compared)


def _outcomes(own: Arm, reference: Arm | None) -> Section:
    arms_by_name = {"challenger": own} | ({} if reference is None else {"active model": reference})
    charts = []
    for outcome, (title, _, factor) in _OUTCOMES.items():
        spans = [_span(name, _interval(arm, outcome), factor, arm is own) for name, arm in arms_by_name.items()]
        charts.append(span_chart(title, "mean and 95% interval over readers", spans))
    text = [f"{title}: {meaning}" for title, meaning, _ in _OUTCOMES.values()]
    return Section("What readers did", text, charts)


def _differences(compared: Sequence[Compared]) -> Section:
    rows = []
    for each in compared:
        title, _, factor = _OUTCOMES[each.outcome]
        found = each.difference
        mean, low, high = factor * found.mean, factor * found.low, factor * found.high
        answer = "better" if low > 0 else "worse" if high < 0 else "no clear difference"
        rows.append([title, f"{mean:+.3f}", f"{low:+.3f} to {high:+.3f}", answer])
    text = [
        "The interval shows how far chance alone could move the difference. If it contains zero, the trial cannot "
        "tell the two models apart."
    ]
    header = ["outcome", "difference", "95% interval", "the challenger is"]
    return Section("Challenger less active model", text, table=Table("Differences", header, rows))


def _shadow(shadow: Shadow) -> Section:
    spans = [
        _span("of the shown articles", shadow.shared, 100.0, False),
        _span("of the opened articles", shadow.kept, 100.0, True),
    ]
    text = [
        f"The challenger made {shadow.slates:,} lists that nobody saw. The chart shows which share of the "
        "articles that readers saw, and that they opened, is in its lists, too."
    ]
    defined = [span for span in spans if span.mean == span.mean]
    title = "Share that the challenger also has, in percent"
    return Section("Shadow run", text, [span_chart(title, "percent", defined)])


def _interval(arm: Arm, outcome: str) -> Interval:
    return {"opened": arm.opened, "clicks": arm.clicks, "seconds": arm.seconds}[outcome]


def _span(name: str, interval: Interval, factor: float, own: bool) -> Span:
    return Span(name, factor * interval.mean, factor * interval.low, factor * interval.high, own)
