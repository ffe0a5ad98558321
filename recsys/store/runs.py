"""Runs: every training and evaluation with its parameters, its data and its figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from recsys.errors import DataError
from recsys.store.tables import runs


class RunKind(StrEnum):
    """Kind of a run."""

    TRAINING = "training"
    EVALUATION = "evaluation"


Figures = Mapping[str, Mapping[str, float]]
"""System → metric → value."""

_DOCUMENTS = ("parameters", "data", "figures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training or evaluation.

    at: its end, microseconds; seconds: its duration; bundle: version of what it trained or evaluated; parameters:
    options and settings that change a result; data: the impressions that were measured; figures: of each system.
    """

    id: str
    kind: RunKind
    at: int
    seconds: float
    bundle: str
    parameters: Mapping[str, Any]
    data: Mapping[str, Any]
    figures: Figures


def append(connection: Connection, run: Run) -> None:
    """Store a run."""
    documents = {name: json.dumps(getattr(run, name)) for name in _DOCUMENTS}
    connection.execute(sa.insert(runs).values({**asdict(run), **documents}))


def newest(connection: Connection, kind: RunKind | None = None, most: int = 20) -> list[Run]:
    """Return the `most` newest runs, newest first; of one `kind` if given."""
    query = sa.select(runs).order_by(runs.c.at.desc(), runs.c.id).limit(most)
    if kind is not None:
        query = query.where(runs.c.kind == kind.value)
    return [_run(row._mapping) for row in connection.execute(query)]


def find(connection: Connection, names: Sequence[str]) -> list[Run]:
    """Return the runs whose ids begin with `names`, in their order.

    Raises:
        DataError: no run, or more than one, has an id that begins so.
    """
    return [_one(connection, name) for name in names]


def _one(connection: Connection, name: str) -> Run:
    query = sa.select(runs).where(runs.c.id.startswith(name, autoescape=True)).limit(2)
    found = [_run(row._mapping) for row in connection.execute(query)]
    if not found or not name:
        raise DataError(f"there is no run {name!r}: `attune experiments list` prints them")
    if len(found) > 1:
        raise DataError(f"more than one run begins with {name!r}: give more of its id")
    return found[0]


def _run(row: RowMapping) -> Run:
    values = {field.name: row[field.name] for field in fields(Run)}
    documents = {name: json.loads(row[name]) for name in _DOCUMENTS}
    return Run(**{**values, **documents, "kind": RunKind(row["kind"])})
