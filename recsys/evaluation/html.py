"""An evaluation as one HTML page, readable without a network."""

from collections.abc import Mapping
from html import escape
from typing import Any

_METRICS = ("auc", "mrr", "ndcg@5", "ndcg@10", "read_ndcg@10", "ece")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0 2rem; width: 100%; }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
"""


def report(result: Mapping[str, Any]) -> str:
    """The page of what `evaluate` returned."""
    data = result["data"]
    about = (
        f"{data['impressions']} impressions of {data['readers']} readers, {data['from']} to {data['to']}; "
        f"bundle {result['bundle']}; {result['seconds']} s."
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Attune: evaluation</title>'
        f"<style>{_STYLE}</style><h1>Evaluation</h1><p>{escape(about)}</p>"
        + _table("Ranking, means over impressions; AUC with its 95% interval over readers", *_ranking(result))
        + _table("Beyond accuracy, top 10", *_beyond(result))
        + _table("Attune against each, AUC, paired", *_comparisons(result))
        + _table("AUC on parts of the impressions", *_slices(result))
        + "</html>"
    )


def _ranking(result: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    rows = []
    for name, values in result["systems"].items():
        low, high = values["ci"]["auc"]
        auc = f"{_number(values['auc'])} [{_number(low)}, {_number(high)}]"
        rows.append([name, auc, *(_number(values[metric]) for metric in _METRICS[1:])])
    return ["system", *_METRICS], rows


def _beyond(result: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    systems = result["systems"]
    names = list(next(iter(systems.values()))["beyond_accuracy"])
    rows = [[name, *(_number(v["beyond_accuracy"][m]) for m in names)] for name, v in systems.items()]
    return ["system", *names], rows


def _comparisons(result: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    rows = []
    for name, compared in result["comparisons"].items():
        gap = compared["difference"]
        interval = f"{_number(gap['mean'])} [{_number(gap['low'])}, {_number(gap['high'])}]"
        rows.append([name, interval, compared["verdict"]])
    return ["against", "difference", "verdict"], rows


def _slices(result: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    parts = result["slices"]
    systems = [name for name in next(iter(parts.values())) if name != "impressions"]
    rows = [[part, str(v["impressions"]), *(_number(v[name]) for name in systems)] for part, v in parts.items()]
    return ["part", "impressions", *systems], rows


def _table(caption: str, header: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
