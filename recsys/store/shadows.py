"""Slates that a challenger ranked and that were not shown. They are not part of the log."""

import json

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import Ranking
from recsys.store.database import without_timeout
from recsys.store.tables import shadow_slates


def add(connection: Connection, reader: str, slate: Ranking) -> None:
    """Store a slate that was not shown to `reader`, under the request id of the slate that was."""
    connection.execute(
        sa.insert(shadow_slates).values(
            request_id=slate.request_id,
            model=slate.model,
            reader=reader,
            at=slate.as_of,
            candidates=json.dumps([item.id for item in slate.items], ensure_ascii=False),
            scores=json.dumps([item.score for item in slate.items]),
        )
    )


def sweep(connection: Connection, before: int) -> int:
    """Delete the slates from before `before` (microseconds), and return their number."""
    with without_timeout(connection):
        return connection.execute(sa.delete(shadow_slates).where(shadow_slates.c.at < before)).rowcount
