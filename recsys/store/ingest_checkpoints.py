"""Checkpoints of ingest jobs, committed together with the batch that they count."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.tables import ingest_jobs


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Progress of a job: `position` batches are stored, `counts` are rows by outcome so far."""

    position: int
    counts: Mapping[str, int] = field(default_factory=dict)
    done: bool = False


def load(connection: Connection, job: str) -> Checkpoint | None:
    """Return the last committed checkpoint of `job`, None if it never committed a batch."""
    query = sa.select(ingest_jobs.c.position, ingest_jobs.c.counts, ingest_jobs.c.done)
    row = connection.execute(query.where(ingest_jobs.c.job == job)).one_or_none()
    return None if row is None else Checkpoint(row.position, json.loads(row.counts), row.done)


def save(connection: Connection, job: str, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint of `job`, in the transaction that stores its batch."""
    connection.execute(sa.delete(ingest_jobs).where(ingest_jobs.c.job == job))
    connection.execute(
        sa.insert(ingest_jobs).values(
            job=job,
            position=checkpoint.position,
            counts=json.dumps(dict(checkpoint.counts), sort_keys=True),
            done=checkpoint.done,
        )
    )


def all_jobs(connection: Connection) -> dict[str, Checkpoint]:
    """Return the last committed checkpoint of every job, by its name."""
    query = sa.select(ingest_jobs.c.job, ingest_jobs.c.position, ingest_jobs.c.counts, ingest_jobs.c.done)
    rows = connection.execute(query.order_by(ingest_jobs.c.job))
    return {row.job: Checkpoint(row.position, json.loads(row.counts), row.done) for row in rows}
