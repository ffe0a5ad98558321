"""HTML page of an evaluation."""

from collections.abc import Mapping
from typing import Any

from recsys.evaluation.behaviour.behaviour_check import ENTRY as BEHAVIOUR
from recsys.evaluation.behaviour.behaviour_table import behaviour_table
from recsys.evaluation.html_tables import Table, html_page, interval, number

_METRICS = ("auc", "mrr", "ndcg@5", "ndcg@10", "read_weighted_ndcg@10", "ece")


def report(result: Mapping[str, Any]) -> str:
    """Render the result of `evaluate` as an HTML page."""
    data = result["data"]
    about = (
        f"{data['impressions']} impressions of {data['readers']} readers, {data['from']} to {data['to']}; "
        f"slice: {data['slice']}; "
        f"bundle {result['bundle']}; {result['seconds']} s."
    )
    return html_page(
        "Evaluation",
        about,
        [_ranking(result), _beyond(result), _comparisons(result), _slices(result), *_behaviour(result)],
    )


def _ranking(result: Mapping[str, Any]) -> Table:
    rows = [
        [name, interval(values["auc"], *values["ci"]["auc"]), *(number(values[metric]) for metric in _METRICS[1:])]
        for name, values in result["systems"].items()
    ]
    caption = "Ranking, means over impressions; AUC with its 95% interval over readers"
    return Table(caption, ["system", *_METRICS], rows)


def _beyond(result: Mapping[str, Any]) -> Table:
    systems = result["systems"]
    names = list(next(iter(systems.values()))["beyond_accuracy"])
    rows = [[name, *(number(v["beyond_accuracy"][m]) for m in names)] for name, v in systems.items()]
    return Table("Beyond accuracy, top 10", ["system", *names], rows)


def _comparisons(result: Mapping[str, Any]) -> Table:
    rows = [
        [name, interval(**compared["difference"]), compared["verdict"]]
        for name, compared in result["comparisons"].items()
    ]
    return Table("Attune against each system, AUC, paired", ["against", "difference", "verdict"], rows)


def _behaviour(result: Mapping[str, Any]) -> list[Table]:
    """Return the table of the checks of behaviour; none for a result of an older version."""
    return [behaviour_table(result[BEHAVIOUR])] if BEHAVIOUR in result else []


def _slices(result: Mapping[str, Any]) -> Table:
    parts = result["slices"]
    systems = [name for name in next(iter(parts.values())) if name != "impressions"]
    rows = [[part, str(v["impressions"]), *(number(v[name]) for name in systems)] for part, v in parts.items()]
    return Table("AUC on parts of the impressions", ["part", "impressions", *systems], rows)
