"""Table of `attune evaluate --counterfactual`."""

from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from recsys.evaluation.html_tables import interval, number

_BEHAVIOUR = {
    "cascade": "if what stands above an article may matter, too",
}
_WORDS = (
    "Estimates of what the feed of this bundle would have earned, from positions that exploration reached in the "
    "log; all other positions stand as logged. They hold if the requests were as replayed, and if readers behave "
    "as each part says. Trust an interval, not its middle; if estimators disagree, run an A/B test."
)


def counterfactual_table(result: Mapping[str, Any]) -> None:
    """Print a table for each behaviour of readers, or why there is none."""
    left_out = result["left_out"]
    typer.echo(_WORDS)
    typer.echo(
        f"feed of bundle {result['bundle']} with {result['explore']:.0%} exploration: {result['positions']:,} "
        f"positions of {result['impressions']:,} impressions of {result['readers']:,} readers. Left out: "
        f"{left_out['impressions_without_propensities']:,} impressions without propensities, "
        f"{left_out['impressions_without_exploration']:,} without exploration, "
        f"{left_out['certain_positions']:,} certain positions"
    )
    ruled = f", with the {result['rules']} rules of editors" if result["rules"] else ""
    for name, part in result["behaviour"].items():
        _one(f"{name}{ruled}: {_BEHAVIOUR[name]}", part)
    for name, part in result.get("without_rules", {}).items():
        _one(f"{name}, without rules: {_BEHAVIOUR[name]}", part)


def _one(title: str, part: Mapping[str, Any]) -> None:
    weights = part["weights"]
    typer.echo(
        f"\n{title}\n  effective sample size {weights['effective_sample_size']:,.1f} impressions, "
        f"{weights['deciding']:,.1f} decide the variance; mean weight "
        f"{number(weights['mean'])} ± {number(weights['mean_error'])}, largest {weights['largest']:,.1f} "
        f"({weights['largest_share']:.1%} of all), slates without support {weights['unsupported']:.1%}"
    )
    if part["refused"]:
        typer.echo(f"  no estimates: {part['refused']}")
        return
    table = Table(title="mean reward of an impression, with its 95% interval over readers", title_justify="left")
    for column in ("reward", "as logged", "estimator", "of the bundle", "clips"):
        table.add_column(column, no_wrap=True, justify="right" if column == "clips" else "left")
    for reward, found in part["rewards"].items():
        logged = interval(*found["logged"].values())
        for place, (name, each) in enumerate(found["estimates"].items()):
            clips = " ".join("none" if clip is None else f"{clip:,.1f}" for clip in each["clips"])
            span = interval(each["mean"], each["low"], each["high"])
            table.add_row(*((reward, logged) if not place else ("", "")), name, span, clips)
    Console(width=110).print(table)
