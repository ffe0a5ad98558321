"""Registry of trained bundles: version, training time, training data and metrics."""

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
    """Register a published bundle."""
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
    """Return all registered bundles, newest first."""
    rows = connection.execute(sa.select(bundles).order_by(bundles.c.created_at.desc()))
    return [BundleRow(r.version, r.created_at, r.path, r.trained_until, json.loads(r.metrics)) for r in rows]
