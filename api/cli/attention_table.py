"""Tables of the `attune attention` commands."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from recsys.calibration.normal_profile import Profile

_FIGURES = {"AUROC": "auroc", "recall": "recall", "F1": "f1"}
_DETECTORS = {"D1": "structure", "D2": "tokens"}
_WIDTH = 120
"""Width in characters, so that the figures of all arms fit in a line."""


def detection_table(found: Mapping[str, Any]) -> None:
    """Print, per kind of damage, the detection by D1 (texts) and D2 (words)."""
    anomalous, flagged = found["normal_texts_anomalous"], found["normal_words_flagged"]
    table = _table(
        f"detection on {found['articles']} held-out articles; of normal ones D1 calls {anomalous:.1%} anomalous, "
        f"D2 flags {flagged:.1%} of the words",
        *("damage", "D2 trained", *(f"{detector} {figure}" for detector in _DETECTORS for figure in _FIGURES)),
        "D2 AUROC, held out",
    )
    for kind, figures in found["kinds"].items():
        cells = [f"{figures[part][name]:.3f}" for part in _DETECTORS.values() for name in _FIGURES.values()]
        table.add_row(kind, "yes" if figures["trained"] else "no", *cells, f"{found['held_out'][kind]:.3f}")
    _print(table)


def topics_table(measured: Mapping[str, Any] | None) -> None:
    """Print, per set of fields and kind of damage, the accuracy of topics by arm, and what is recovered."""
    if measured is None:
        typer.echo("topics: too few articles with a category to classify; nothing measured")
        return
    for fields, found in measured["fields"].items():
        arms = list(found["undamaged"])
        table = _table(
            f"accuracy of the topic by {fields}, all of {measured['articles']} articles damaged",
            *("damage", *arms, "cosine", "neighbours kept", "kNN"),
        )
        for kind, figures in {"none": found["undamaged"], **found["kinds"]}.items():
            raw = figures["off"]
            others = (f"{raw[name]:.3f}" for name in ("cosine", "kept", "knn"))
            table.add_row(kind, *(f"{figures[arm]['accuracy']:.3f}" for arm in arms), *others)
        _print(table)
        lost, recovered = found["mean"]["lost"], found["mean"]["recovered"]
        parts = ", ".join(
            f"{arm} {each['mean']:.0%} [{each['low']:.0%}, {each['high']:.0%}]" for arm, each in recovered.items()
        )
        clean = found["clean"]["tokens"]
        typer.echo(
            f"{fields}: mean loss {lost['mean']:.4f} [{lost['low']:.4f}, {lost['high']:.4f}]; recovered: {parts}; "
            f"undamaged, tokens {clean['mean']:+.4f} [{clean['low']:+.4f}, {clean['high']:+.4f}]"
        )


def robustness_table(measured: Mapping[str, Any]) -> None:
    """Print, per kind of damage, AUC by arm, the loss, and the share of it that calibration recovers."""
    arms = list(measured["undamaged"])
    table = _table(
        f"AUC of the content match on {measured['slates']} slates, {measured['seeds']} draws of damage",
        *("damage", *arms, "lost", "detectable", "tokens recover", "oracle recovers"),
    )
    table.add_row("none", *(f"{measured['undamaged'][arm]:.4f}" for arm in arms), "", "", "", "")
    for kind, figures in measured["damaged"].items():
        recovered = (figures["recovered"][arm] for arm in ("tokens", "oracle"))
        aucs = (f"{figures['auc'][arm]:.4f}" for arm in arms)
        known = figures["can_be_known"]
        shares = ("" if share is None else f"{share:.0%}" if known else "cannot be known" for share in recovered)
        table.add_row(kind, *aucs, f"{figures['lost']:.4f}", f"{figures['detectable']:.4f}", *shares)
    _print(table)


def ablation_table(result: Mapping[str, Any]) -> None:
    """Print, per part of the calibration, AUC with its interval, and the paired difference to none."""
    from recsys.evaluation.html_tables import interval

    data, history = result["data"], result["history"]
    strengths = ", ".join(f"{name} {value:g}" for name, value in history["applied"].items())
    origin = "as served" if history["applied"] == history["served"] else "assumed: the bundle uses none of them"
    table = _table(
        f"bundle {result['bundle']} on {data['impressions']} impressions of {data['readers']} readers; "
        f"history: {strengths}, {origin}",
        *("row", "system", "AUC", "difference to off", "verdict"),
    )
    for row, measured in result["rows"].items():
        for system, figures in measured.items():
            against = [interval(**figures["difference"]), figures["verdict"]] if "difference" in figures else []
            table.add_row(row, system, interval(**figures["auc"]), *against)
    _print(table)


def profile_table(profile: "Profile") -> None:
    """Print, per layer, the mean of every statistic over heads and texts, with the lowest and highest head."""
    from recsys.calibration.attention_statistics import HEAD

    mean = profile.pooled().mean[0]
    table = _table(f"attention in {profile.texts} articles: mean (lowest to highest head)", "layer", *HEAD)
    for layer, heads in enumerate(mean):
        cells = (f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})" for values in heads.T)
        table.add_row(str(layer), *cells)
    _print(table)


def lengths_table(profile: "Profile") -> None:
    """Print, per length, the number of texts, the entropy of heads, and the mass that words receive."""
    from recsys.calibration import normal_profile as buckets

    table = _table("by length in tokens", "tokens", "articles", "entropy", "its std", "received q05", "q95")
    deviation = profile.variance() ** 0.5
    low, high = profile.received_quantile(0.05), profile.received_quantile(0.95)
    for bucket in range(buckets.COUNT):
        if profile.count[bucket]:
            entropy = (profile.mean[bucket, ..., 0].mean(), deviation[bucket, ..., 0].mean())
            figures = (f"{value:.2f}" for value in (*entropy, low[bucket], high[bucket]))
            table.add_row(buckets.label(bucket), str(profile.count[bucket]), *figures)
    _print(table)


def history_table(measured: Mapping[str, Any]) -> None:
    """Print, per model and share of chance clicks, AUC by arm, and the share of the loss that is recovered."""
    arms = list(next(iter(measured["models"]["content"].values()))["auc"])
    table = _table(
        f"AUC with chance clicks in histories, {measured['slates']} slates, {measured['seeds']} draws",
        *("model, noise", *arms, "lost", "calibrated recovers", "oracle recovers"),
    )
    for model, shares in measured["models"].items():
        for share, figures in shares.items():
            aucs = (f"{figures['auc'][arm]:.4f}" if arm in figures["auc"] else "" for arm in arms)
            recovered = (figures["recovered"][arm] for arm in ("calibrated", "oracle"))
            shares_recovered = ("" if one is None else f"{one:.0%}" for one in recovered)
            table.add_row(f"{model}, {share}", *aucs, f"{figures['lost']:.4f}", *shares_recovered)
    _print(table)


def _print(table: Table) -> None:
    Console(width=_WIDTH).print(table)


def _table(title: str, first: str, *others: str) -> Table:
    """Return an empty table. The first column does not wrap in a narrow terminal; the others may."""
    table = Table(title=title)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", overflow="fold")
    return table
