"""What `attune attention evaluate` measured, as one HTML page."""

from collections.abc import Iterable, Mapping
from typing import Any

from recsys.evaluation.html_tables import Table, html_page, number

_DETECTORS = {"D1": "structure", "D2": "tokens"}
_FIGURES = {"AUROC": "auroc", "accuracy": "accuracy", "recall": "recall", "F1": "f1"}
_ABOUT = (
    "Titles are damaged on purpose, and chance clicks are put into histories; nothing is trained on either. "
    "Arms: off as the model is; heads D1's weighted average; tokens D2's gate; all both; calibrated reads weighed "
    "by dwell. Controls: random the same adjustment in random places; drop all that is flagged, or short reads, "
    "left out; oracle what was put in left out; mean the plain mean of the history."
)


def report(result: Mapping[str, Any]) -> str:
    """The page of what `evaluate_attention` returned."""
    robust, history = result["robustness"], result["history"]
    tables = [_detection(result["detection"]), _aucs(robust), _gains(robust)]
    return html_page("Calibrated attention", _ABOUT, [*tables, _history_aucs(history), _history_gains(history)])


def _detection(found: Mapping[str, Any]) -> Table:
    caption = (
        f"Detection on {found['articles']} articles apart. Of normal ones, D1 calls "
        f"{found['normal_texts_anomalous']:.1%} anomalous and D2 flags {found['normal_words_flagged']:.1%} of the "
        "words"
    )
    names = [f"{detector} {figure}" for detector in _DETECTORS for figure in _FIGURES]
    rows = [
        [
            kind,
            "yes" if figures["trained"] else "no",
            *(f"{figures[part][name]:.3f}" for part in _DETECTORS.values() for name in _FIGURES.values()),
        ]
        for kind, figures in found["kinds"].items()
    ]
    return Table(caption, ["damage", "D2 trained", *names], rows)


def _aucs(measured: Mapping[str, Any]) -> Table:
    arms = list(measured["undamaged"])
    rows = [["none", *_numbers(measured["undamaged"], arms), "–"]]
    for kind, figures in measured["damaged"].items():
        rows.append([kind, *_numbers(figures["auc"], arms), number(figures["lost"])])
    caption = f"AUC of the content match on {measured['slates']} slates, {measured['seeds']} draws of damage"
    return Table(caption, ["damage", *arms, "lost"], rows)


def _gains(measured: Mapping[str, Any]) -> Table:
    arms = list(measured["undamaged_gain"])
    rows = [["none", *(_interval(measured["undamaged_gain"][arm]) for arm in arms)]]
    for kind, figures in measured["damaged"].items():
        gain, recovered = figures["gain"], figures["recovered"]
        rows.append([kind, *(f"{_interval(gain[arm])} {_share(recovered[arm])}" for arm in arms)])
    caption = "Gain of AUC over off with its 95% interval over readers, paired, and the share of the loss won back"
    return Table(caption, ["damage", *arms], rows)


def _history_aucs(measured: Mapping[str, Any]) -> Table:
    arms = list(measured["models"]["content"]["0%"]["auc"])
    rows = [
        [name, *_numbers(figures["auc"], arms), number(figures["lost"])] for name, figures in _histories(measured)
    ]
    caption = (
        f"AUC with chance clicks in histories, {measured['slates']} slates, {measured['seeds']} draws, by model "
        "and share of chance clicks"
    )
    return Table(caption, ["histories", *arms, "lost"], rows)


def _history_gains(measured: Mapping[str, Any]) -> Table:
    arms = list(measured["models"]["content"]["0%"]["gain"])
    rows = [
        [name, *(_gain(figures, arm) if arm in figures["gain"] else "–" for arm in arms)]
        for name, figures in _histories(measured)
    ]
    caption = "Gain of AUC over off ± its standard error over the draws, and the share of the loss won back"
    return Table(caption, ["histories", *arms], rows)


def _histories(measured: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Figures by model and share of chance clicks, under one name."""
    for model, shares in measured["models"].items():
        for share, figures in shares.items():
            yield f"{model}, {share}", figures


def _gain(figures: Mapping[str, Any], arm: str) -> str:
    mean, error = figures["gain"][arm]
    return f"{mean:+.4f} ± {number(error)} {_share(figures['recovered'][arm])}"


def _numbers(values: Mapping[str, float], arms: Iterable[str]) -> list[str]:
    return [number(values.get(arm)) for arm in arms]


def _interval(gain: Mapping[str, Any]) -> str:
    return f"{gain['mean']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]"


def _share(recovered: float | None) -> str:
    """Nothing where nothing was lost."""
    return "" if recovered is None else f"({recovered:.0%})"
