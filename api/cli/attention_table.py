"""Tables of `attune attention evaluate`."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

_FIGURES = {"AUROC": "auroc", "recall": "recall", "F1": "f1"}
_DETECTORS = {"D1": "structure", "D2": "tokens"}


def detection_table(found: Mapping[str, Any]) -> None:
    """By kind of damage: what D1 finds of texts and D2 of words."""
    anomalous, flagged = found["normal_texts_anomalous"], found["normal_words_flagged"]
    table = _table(
        f"detection on {found['articles']} articles apart; of normal ones D1 calls {anomalous:.1%} anomalous, "
        f"D2 flags {flagged:.1%} of the words",
        *("damage", "D2 trained", *(f"{detector} {figure}" for detector in _DETECTORS for figure in _FIGURES)),
    )
    for kind, figures in found["kinds"].items():
        cells = [f"{figures[part][name]:.3f}" for part in _DETECTORS.values() for name in _FIGURES.values()]
        table.add_row(kind, "yes" if figures["trained"] else "no", *cells)
    Console().print(table)


def robustness_table(measured: Mapping[str, Any]) -> None:
    """By kind of damage: AUC by arm, what was lost, and the share of it that calibration wins back."""
    arms = list(measured["undamaged"])
    table = _table(
        f"AUC of the content match on {measured['slates']} slates, {measured['seeds']} draws of damage",
        *("damage", *arms, "lost", "tokens win", "oracle wins"),
    )
    table.add_row("none", *(f"{measured['undamaged'][arm]:.4f}" for arm in arms), "", "", "")
    for kind, figures in measured["damaged"].items():
        won = (figures["recovered"][arm] for arm in ("tokens", "oracle"))
        aucs = (f"{figures['auc'][arm]:.4f}" for arm in arms)
        table.add_row(kind, *aucs, f"{figures['lost']:.4f}", *(f"{share:.0%}" for share in won))
    Console().print(table)


def _table(title: str, first: str, *others: str) -> Table:
    """The first column stays whole in a narrow terminal; the others may break."""
    table = Table(title=title)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", overflow="fold")
    return table
