"""Tables of models on trial."""

import polars as pl
from rich.console import Console
from rich.table import Table

from recsys.evaluation.ab_test import arms, shadows
from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.html_tables import interval


def print_comparison(outcomes: pl.DataFrame, unseen: pl.DataFrame) -> None:
    """Print what came of each model's slates (columns `store.experiments.OUTCOMES`), and of unseen ones (`SHADOWS`)."""
    console = Console(width=130)
    table = Table("model", title="a slate, on average, with 95% intervals over readers", title_justify="left")
    for column in ("slates", "readers", "opened from", "articles opened", "seconds read"):
        table.add_column(column, justify="right")
    for arm in arms(outcomes):
        told = (_told(arm.opened), _told(arm.clicks), _told(arm.seconds))
        table.add_row(arm.model, f"{arm.slates:,}", f"{arm.readers:,}", *told)
    console.print(table)
    if unseen.is_empty():
        return
    table = Table("in the shadow", title="share that it would have shown too", title_justify="left")
    for column in ("slates", "of what was shown", "of what was opened"):
        table.add_column(column, justify="right")
    for shadow in shadows(unseen):
        table.add_row(shadow.model, f"{shadow.slates:,}", _told(shadow.shared), _told(shadow.kept))
    console.print(table)


def _told(found: Interval) -> str:
    return interval(*(None if value != value else value for value in (found.mean, found.low, found.high)))
