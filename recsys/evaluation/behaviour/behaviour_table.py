"""Table of the checks of behaviour, for reports."""

from collections.abc import Mapping, Sequence
from typing import Any

from recsys.evaluation.html_tables import Table, number

VERDICTS: Mapping[str, str] = {"pass": "Good", "fail": "Look at this", "unknown": "Not known"}
"""Verdict in plain words."""


def behaviour_table(checks: Sequence[Mapping[str, Any]]) -> Table:
    """Return one row for each check, given as entries of a result."""
    rows = [
        [
            check["name"],
            VERDICTS[check["verdict"]],
            number(check["figure"]),
            f"{check['limit']:g}",
            check["sentence"],
        ]
        for check in checks
    ]
    return Table("Checks of behaviour", ["check", "verdict", "figure", "limit", "in words"], rows)
