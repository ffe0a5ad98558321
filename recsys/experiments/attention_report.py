"""HTML page of the results of `attune attention evaluate`."""

from collections.abc import Iterable, Mapping
from typing import Any

from recsys.evaluation.html_tables import Table, html_page, number

_DETECTORS = {"D1": "structure", "D2": "tokens"}
_FIGURES = {"AUROC": "auroc", "accuracy": "accuracy", "recall": "recall", "F1": "f1"}
_ABOUT = (
    "Titles are damaged, and chance clicks are inserted into histories; nothing is trained on either. "
    "Arms: off is the model as it is; heads is D1's weighted average; tokens is D2's gate; all is both; "
    "calibrated weights reads by dwell. Controls: random applies the same adjustment at random positions; drop "
    "leaves out all flagged words, or short reads; oracle leaves out the inserted ones; mean is the plain mean of "
    "the history."
)


def report(result: Mapping[str, Any]) -> str:
    """Render the result of `evaluate_attention` as an HTML page."""
    robust, history = result["robustness"], result["history"]
    topics = _topics(result["topics"]) if result["topics"] is not None else []
    tables = [_detection(result["detection"]), *topics, _aucs(robust), _gains(robust)]
    return html_page("Calibrated attention", _ABOUT, [*tables, _history_aucs(history), _history_gains(history)])


def _detection(detected: Mapping[str, Any]) -> Table:
    caption = (
        f"Detection on {detected['articles']} held-out articles. Of the normal ones, D1 flags "
        f"{detected['normal_texts_anomalous']:.1%} as anomalous, and D2 flags "
        f"{detected['normal_words_flagged']:.1%} of the words"
    )
    names = [f"{detector} {figure}" for detector in _DETECTORS for figure in _FIGURES]
    rows = [
        [
            kind,
            "yes" if figures["trained"] else "no",
            *(f"{figures[part][name]:.3f}" for part in _DETECTORS.values() for name in _FIGURES.values()),
            f"{detected['held_out'][kind]:.3f}",
        ]
        for kind, figures in detected["kinds"].items()
    ]
    return Table(caption, ["damage", "D2 trained", *names, "D2 AUROC, held out"], rows)


def _topics(measured: Mapping[str, Any]) -> list[Table]:
    tables = []
    for fields, found in measured["fields"].items():
        arms = list(found["undamaged"])
        rows = [
            [kind, *(f"{figures[arm]['accuracy']:.3f}" for arm in arms), f"{figures['off']['cosine']:.3f}"]
            for kind, figures in {"none": found["undamaged"], **found["kinds"]}.items()
        ]
        shares = found["mean"]["recovered"]
        rows.append(["recovered", "", *(f"{shares[arm]['mean']:.0%}" for arm in arms[1:]), ""])
        caption = f"Accuracy of the topic by {fields}, all of {measured['articles']} articles damaged"
        tables.append(Table(caption, ["damage", *arms, "cosine, off"], rows))
    return tables


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
    caption = (
        "Gain of AUC over off with its 95% interval over readers, paired, and the recovered share of the loss"
    )
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
    caption = "Gain of AUC over off ± its standard error over the draws, and the recovered share of the loss"
    return Table(caption, ["histories", *arms], rows)


def _histories(measured: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yield metrics with a name from model and share of chance clicks."""
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
    """Format a share; empty if nothing was lost."""
    return "" if recovered is None else f"({recovered:.0%})"
