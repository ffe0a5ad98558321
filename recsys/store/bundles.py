"""The registry of trained bundles: what was trained when, on which data, how well it did."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.tables import bundles


@dataclass(frozen=True, slots=True)
class BundleRow:
    """One trained bundle. Times are microseconds; `metrics` are those of its validation slice."""

    version: str
    created_at: int
    path: str
    trained_until: int
    metrics: Mapping[str, float]


def add(connection: Connection, row: BundleRow) -> None:
    """Register a bundle that was published."""
    connection.execute(
        sa.insert(bundles).values(
            version=row.version,
            created_at=row.created_at,
            path=row.path,
            trained_until=row.trained_until,
            metrics=json.dumps(dict(row.metrics), sort_keys=True),
        )
    )


def newest_first(connection: Connection) -> list[BundleRow]:
    """All registered bundles."""
    rows = connection.execute(sa.select(bundles).order_by(bundles.c.created_at.desc()))
    return [BundleRow(r.version, r.created_at, r.path, r.trained_until, json.loads(r.metrics)) for r in rows]
