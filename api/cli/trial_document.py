"""Report of a trial: what the challenger's readers did, compared with the readers of the active bundle."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from api.cli.report_charts import Span, span_chart
from api.cli.report_page import Look, Report, Section
from recsys.errors import DataError
from recsys.evaluation.ab_test import Arm, Shadow, arms, differences, shadows
from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.html_tables import Table
from recsys.evaluation.sequential_trial import FEWEST_READERS, UNEVEN_EVIDENCE, Difference, share_evidence
from recsys.store.audit_log import AuditAction, AuditRow


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Outcome of a list. meaning: explanation for readers; factor: of the shown figure; wanted: more is better."""

    title: str
    meaning: str
    factor: float = 1.0
    wanted: bool = True

    def improves(self, found: Difference) -> bool:
        """Return True if the challenger is better in it."""
        return found.better if self.wanted else found.worse

    def suffers(self, found: Difference) -> bool:
        """Return True if the challenger is worse in it."""
        return found.worse if self.wanted else found.better


_OUTCOMES = {
    "opened": _Outcome(
        "Share of lists with an opened article, in percent",
        "How often a reader opens at least one article of a list.",
        factor=100.0,
    ),
    "clicks": _Outcome("Opened articles per list", "How many articles of a list a reader opens, on average."),
    "seconds": _Outcome(
        "Seconds of reading per list",
        "How long a reader reads articles of a list, on average. A very long reading counts as a capped one.",
    ),
    "hides": _Outcome(
        "Hidden articles per 100 lists",
        "How many articles of 100 lists a reader hides. Fewer is better.",
        factor=100.0,
        wanted=False,
    ),
}

_SHARE = re.compile(r"share=([\d.e-]+)")
"""Share in the subject of the audit log, as `model_admin.start_experiment` writes it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Trial as the audit log has it: version of the challenger, and its time in microseconds.

    end: None while it runs. share: of the readers; None if it was changed meanwhile, or is not known.
    """

    challenger: str
    start: int
    end: int | None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class TrialData:
    """Data of a trial, up to now or to its end.

    outcomes, unseen: columns `store.experiments.OUTCOMES` and `SHADOWS`. before: columns `BEFORE`.
    """

    outcomes: pl.DataFrame
    unseen: pl.DataFrame
    before: pl.DataFrame


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
            share = _share(row.subject)
            changed = found is not None and found.share != share
            found = Trial(version, row.at, end, None if changed else share)
        else:
            end = row.at
    if found is None:
        raise DataError(
            "the audit log has no trial, so there is nothing to report: start one with "
            "`attune models try VERSION --share 0.1`"
        )
    return found


def _share(subject: str) -> float | None:
    found = _SHARE.search(subject)
    return None if found is None else float(found[1])


def trial_report(trial: Trial, data: TrialData, period: str) -> Report:
    """Return the report of a trial. period: text.

    Raises:
        DataError: the challenger has no list in either.
    """
    found = {arm.model: arm for arm in arms(data.outcomes)}
    shadow = next((each for each in shadows(data.unseen) if each.model == trial.challenger), None)
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
        uneven = _uneven(trial, own, reference)
        compared = _compared(data, own, reference)
        look, verdict = ("bad", uneven) if uneven else _verdict(compared, min(own.readers, reference.readers))
        sections = [_outcomes(own, reference), *([_differences(compared)] if compared else [])]
    elif own is not None:
        verdict = "Only the challenger answered readers, so there is nothing to compare it with."
        sections = [_outcomes(own, None)]
    if shadow is not None:
        sections.append(_shadow(shadow))
    readers = ", ".join(f"{arm.readers:,} readers of {arm.model}" for arm in (own, reference) if arm is not None)
    about = f"Challenger {trial.challenger}, {period}{': ' if readers else ''}{readers}."
    return Report("Trial of a model", about, look, verdict, sections)


def _compared(data: TrialData, own: Arm, reference: Arm) -> dict[str, Difference]:
    """Return the differences by outcome; none with too few readers."""
    found = differences(data.outcomes, data.before, own.model, reference.model)
    return {outcome: each for outcome, each in found.items() if each is not None}


def _uneven(trial: Trial, own: Arm, reference: Arm) -> str | None:
    """Return what is wrong if the arms have other shares of the readers than the trial gave them."""
    if trial.share is None or not 0 < trial.share < 1:
        return None
    if share_evidence(own.readers, reference.readers, trial.share) < UNEVEN_EVIDENCE:
        return None
    got = own.readers / (own.readers + reference.readers)
    return (
        f"The arms cannot be compared: {got:.1%} of the readers got the challenger instead of {trial.share:.1%}. "
        "Chance does not explain that. Look for lists that are cached, dropped or requested by robots."
    )


def _verdict(compared: Mapping[str, Difference], readers: int) -> tuple[Look, str]:
    """Return the verdict. readers: of the smaller arm."""
    if not compared:
        return "soft", (
            f"Too few readers for a verdict: the smaller arm has {readers}, and {FEWEST_READERS} are needed. "
            "Wait, or give the challenger a larger share."
        )
    better = [outcome for outcome, each in compared.items() if _OUTCOMES[outcome].improves(each)]
    worse = [outcome for outcome, each in compared.items() if _OUTCOMES[outcome].suffers(each)]
    if better and worse:
        return "soft", f"Better in {_names(better)}, but worse in {_names(worse)}. Decide what matters more."
    if worse:
        return "bad", f"The challenger is worse in {_names(worse)}. End the trial."
    if better:
        return "good", f"The challenger is better in {_names(better)}, and worse in nothing. Activate it."
    return "soft", "No clear difference yet. More readers or more days would decide it."


def _names(found: Sequence[str]) -> str:
    return ", ".join(_OUTCOMES[outcome].title.split(",")[0].lower() for outcome in found)


def _outcomes(own: Arm, reference: Arm | None) -> Section:
    arms_by_name = {"challenger": own} | ({} if reference is None else {"active model": reference})
    charts = []
    for name, outcome in _OUTCOMES.items():
        spans = [
            _span(arm_name, _interval(arm, name), outcome.factor, arm is own)
            for arm_name, arm in arms_by_name.items()
        ]
        charts.append(span_chart(outcome.title, "mean and 95% interval over readers", spans))
    text = [f"{outcome.title}: {outcome.meaning}" for outcome in _OUTCOMES.values()]
    return Section("What readers did", text, charts)


def _differences(compared: Mapping[str, Difference]) -> Section:
    rows = []
    for name, each in compared.items():
        outcome, interval = _OUTCOMES[name], each.interval
        mean, low, high = (outcome.factor * value for value in (interval.mean, interval.low, interval.high))
        answer = (
            "better" if outcome.improves(each) else "worse" if outcome.suffers(each) else "no clear difference"
        )
        rows.append([outcome.title, f"{mean:+.3f}", f"{low:+.3f} to {high:+.3f}", answer])
    text = [
        "The range shows how far chance alone could move the difference. If it contains zero, the trial cannot "
        "tell the two models apart.",
        "You may look every day and stop as soon as a range excludes zero: it holds for all looks together, "
        "so it is wider than an interval for one look. What readers did before the trial is taken into account.",
    ]
    header = ["outcome", "difference", "range at every look, 95%", "the challenger is"]
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
    return {"opened": arm.opened, "clicks": arm.clicks, "seconds": arm.seconds, "hides": arm.hides}[outcome]


def _span(name: str, interval: Interval, factor: float, own: bool) -> Span:
    return Span(name, factor * interval.mean, factor * interval.low, factor * interval.high, own)
