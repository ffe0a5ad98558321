"""Tables of experiments."""

from collections.abc import Sequence

import polars as pl
from rich.console import Console
from rich.table import Table

from recsys.evaluation.ab_test import arms, shadows
from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.html_tables import interval
from recsys.evaluation.interleaved_trial import Preference, preferences
from recsys.evaluation.trial_plan import Detectable

_OUTCOMES = {"opened": "opened from", "clicks": "articles opened", "seconds": "seconds read", "hides": "hidden"}
"""Outcomes of a list, with the titles of their columns."""


def print_comparison(outcomes: pl.DataFrame, interleaved: pl.DataFrame, shadow_slates: pl.DataFrame) -> None:
    """Print outcomes by model, interleaved slates and shadow slates.

    Columns: `OUTCOMES`, `INTERLEAVED` and `SHADOWS` of `store.experiments`.
    """
    console = Console(width=130)
    table = Table("model", title="mean per slate, with 95% intervals over readers", title_justify="left")
    for column in ("slates", "readers", *_OUTCOMES.values()):
        table.add_column(column, justify="right")
    for arm in arms(outcomes):
        cells = (_interval(arm.opened), _interval(arm.clicks), _interval(arm.seconds), _interval(arm.hides))
        table.add_row(arm.model, f"{arm.slates:,}", f"{arm.readers:,}", *cells)
    console.print(table)
    for preference in preferences(interleaved):
        console.print(_sentence(preference))
    if shadow_slates.is_empty():
        return
    table = Table("shadow run", title="share that the challenger would also have shown", title_justify="left")
    for column in ("slates", "of shown articles", "of opened articles"):
        table.add_column(column, justify="right")
    for shadow in shadows(shadow_slates):
        table.add_row(shadow.model, f"{shadow.slates:,}", _interval(shadow.shared), _interval(shadow.kept))
    console.print(table)


def _sentence(found: Preference) -> str:
    """Return what interleaved slates say of two models."""
    counts = (
        f"of {found.slates:,} interleaved slates of {found.readers:,} readers, {found.preferred:,} prefer "
        f"{found.challenger} and {found.other:,} prefer {found.reference}"
    )
    if found.credit is None:
        return f"{counts}: too few readers for a verdict"
    low, high = found.credit.low, found.credit.high
    verdict = "better" if low > 0 else "worse" if high < 0 else "not decided yet"
    return (
        f"{counts}: the challenger is {verdict} (articles opened from it less those of the other, a slate: "
        f"{found.credit.mean:+.3f} [{low:+.3f}, {high:+.3f}], valid at every look)"
    )


def print_plan(plan: Sequence[tuple[int, Detectable | None]], effect: float | None) -> None:
    """Print what trials of so many days would find; `effect`: the relative difference that should be found."""
    console = Console(width=130)
    title = "smallest relative difference that a trial finds in 4 of 5 cases, looked at every day"
    table = Table("days", title=title, title_justify="left")
    for column in ("readers", "lists", *_OUTCOMES.values()):
        table.add_column(column, justify="right")
    for days, found in plan:
        if found is None:
            table.add_row(str(days), *["too few readers"] + ["-"] * (len(_OUTCOMES) + 1))
        else:
            cells = [f"{found.differences[outcome]:.1%}" for outcome in _OUTCOMES]
            table.add_row(str(days), f"{found.readers:,}", f"{found.slates:,}", *cells)
    console.print(table)
    if effect is not None:
        for outcome, name in _OUTCOMES.items():
            needed = [days for days, found in plan if found is not None and found.differences[outcome] <= effect]
            answer = f"{min(needed)} days" if needed else "more days than the log has"
            console.print(f"a difference of {effect:.1%} in {name}: {answer}")


def _interval(found: Interval) -> str:
    return interval(*(None if value != value else value for value in (found.mean, found.low, found.high)))
