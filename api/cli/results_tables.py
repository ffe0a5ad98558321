"""Tables of the results of training and evaluation."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from recsys.evaluation.behaviour.behaviour_check import FAIL
from recsys.evaluation.behaviour.behaviour_table import VERDICTS
from recsys.evaluation.html_tables import interval, number
from recsys.ranking.age_support import REACH

_METRICS = ("auc", "mrr", "ndcg@5", "ndcg@10", "read_weighted_ndcg@10", "ece")


def echo_unseen(count: int) -> None:
    """Print the number of slates that were left out, if any."""
    if count:
        typer.echo(
            f"{count:,} impressions are left out: Attune made them, but no page confirmed that it showed them, "
            "and their readers did nothing in the half hour after them"
        )


def results_table(title: str, systems: Mapping[str, Any]) -> None:
    """Print one row per system, AUC with its 95% interval."""
    table = Table(title=title, title_justify="left")
    table.add_column("system", no_wrap=True)
    for metric in _METRICS:
        table.add_column(metric, justify="right")
    for name, values in systems.items():
        auc = interval(values["auc"], *values["ci"]["auc"])
        table.add_row(name, auc, *(number(values[metric]) for metric in _METRICS[1:]))
    Console(width=110).print(table)


def echo_supported_ages(entry: Mapping[str, Any] | None) -> None:
    """Print the ages of articles that the log supports: the entry `AGES` of a manifest."""
    if entry is None:
        typer.echo("ages: the impressions are too few to know them; feeds show articles of any age")
        return
    parts = {"all": entry["overall"], **entry["categories"]}
    table = Table(title=f"ages that the log supports; feeds reach {REACH:g} times as far", title_justify="left")
    for column in ("category", "hours", "odds of a click lost an hour beyond"):
        table.add_column(column, justify="left" if column == "category" else "right")
    for name, ages in parts.items():
        table.add_row(name, f"{ages['hours']:.0f}", f"{-math.expm1(-ages['fading']):.1%}")
    Console(width=110).print(table)


def stages_table(stages: Sequence[Mapping[str, Any]]) -> None:
    """Print the time and memory of each stage of a training: the entry `profile` of a manifest."""
    table = Table(title="time and memory of the training", title_justify="left")
    for column in ("stage", "seconds", "CPU seconds", "peak MiB"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for cost in stages:
        table.add_row(
            cost["stage"], f"{cost['seconds']:.1f}", f"{cost['cpu_seconds']:.1f}", f"{cost['peak_mib']:,}"
        )
    if stages:
        seconds, cpu_seconds = (sum(cost[column] for cost in stages) for column in ("seconds", "cpu_seconds"))
        peak = max(cost["peak_mib"] for cost in stages)
        table.add_section()
        table.add_row("all stages", f"{seconds:.1f}", f"{cpu_seconds:.1f}", f"{peak:,}")
    Console(width=110).print(table)


def behaviour_lines(checks: Sequence[Mapping[str, Any]]) -> None:
    """Print one sentence for each check of behaviour: the entry `behaviour` of a result."""
    for check in checks:
        colour = "yellow" if check["verdict"] == FAIL else None
        typer.secho(f"{check['name']}: {VERDICTS[check['verdict']].lower()}. {check['sentence']}", fg=colour)


def echo_examination(entry: Mapping[str, Any]) -> None:
    """Print the learned examination of places: the entry `examination` of a manifest."""
    if not entry["learned"]:
        why = "a learned one fits worse" if entry["likelihood"] else "too few lists with an order to learn one"
        typer.echo(f"examination of places: the assumed curve ({why})")
        return
    curve = ", ".join(f"{look:.2f}" for look in entry["curve"][:10])
    weights = "skips weigh by it" if entry["weights"]["on"] else "no weights"
    typer.echo(f"examination of places 1 to {min(len(entry['curve']), 10)}, learned: {curve}; {weights}")


def slices_table(parts: Mapping[str, Any]) -> None:
    """Print the AUC of every system on parts of the impressions, cold starts first."""
    systems = [name for name in next(iter(parts.values())) if name != "impressions"]
    table = Table(title="AUC on parts of the impressions", title_justify="left")
    table.add_column("system", no_wrap=True, min_width=max(map(len, systems)))  # names must not be cut
    for part, values in parts.items():
        table.add_column(f"{part} ({values['impressions']})", justify="right")
    for name in systems:
        table.add_row(name, *(number(values[name]) for values in parts.values()))
    Console(width=170).print(table)
