"""Tables of experiments."""

import polars as pl
from rich.console import Console
from rich.table import Table

from recsys.evaluation.ab_test import arms, shadows
from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.html_tables import interval


def print_comparison(outcomes: pl.DataFrame, shadow_slates: pl.DataFrame) -> None:
    """Print outcomes by model (columns `store.experiments.OUTCOMES`), and shadow slates (columns `SHADOWS`)."""
    console = Console(width=130)
    table = Table("model", title="mean per slate, with 95% intervals over readers", title_justify="left")
    for column in ("slates", "readers", "opened from", "articles opened", "seconds read"):
        table.add_column(column, justify="right")
    for arm in arms(outcomes):
        cells = (_interval(arm.opened), _interval(arm.clicks), _interval(arm.seconds))
        table.add_row(arm.model, f"{arm.slates:,}", f"{arm.readers:,}", *cells)
    console.print(table)
    if shadow_slates.is_empty():
        return
    table = Table("shadow run", title="share that the challenger would also have shown", title_justify="left")
    for column in ("slates", "of shown articles", "of opened articles"):
        table.add_column(column, justify="right")
    for shadow in shadows(shadow_slates):
        table.add_row(shadow.model, f"{shadow.slates:,}", _interval(shadow.shared), _interval(shadow.kept))
    console.print(table)


def _interval(found: Interval) -> str:
    return interval(*(None if value != value else value for value in (found.mean, found.low, found.high)))
