"""Audit log of administrators: keys, bundles, rules, webhooks, erasures, the archive. It has no reader data."""

import time
from dataclasses import asdict, dataclass, fields
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.tables import audit


class AuditAction(StrEnum):
    """Kinds of audited actions."""

    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    MODEL_ACTIVATED = "model_activated"
    MODEL_ROLLED_BACK = "model_rolled_back"
    MODEL_REMOVED = "model_removed"
    EXPERIMENT_STARTED = "trial_started"
    EXPERIMENT_ENDED = "trial_ended"
    READER_ERASED = "reader_erased"
    LOG_ARCHIVED = "log_archived"
    RULE_ADDED = "rule_added"
    RULE_REMOVED = "rule_removed"
    WEBHOOK_ADDED = "webhook_added"
    WEBHOOK_REMOVED = "webhook_removed"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One audited action. at: microseconds; actor: a key's id, 'cli', 'train' or, before the first key, 'open'."""

    at: int
    actor: str
    act: str
    subject: str

    @classmethod
    def now(cls, actor: str, act: AuditAction, subject: str) -> "AuditRow":
        """Return a row for an action at the current time."""
        return cls(time.time_ns() // 1_000, actor, act, subject)


def record(connection: Connection, row: AuditRow) -> None:
    """Add an action, in the same transaction as the action itself."""
    connection.execute(sa.insert(audit).values(**asdict(row)))


def newest(connection: Connection, count: int) -> list[AuditRow]:
    """Return the last `count` actions, newest first."""
    query = sa.select(*(audit.c[field.name] for field in fields(AuditRow))).order_by(audit.c.id.desc())
    return [AuditRow(*row) for row in connection.execute(query.limit(count))]


def trials(connection: Connection, most: int = 100) -> list[AuditRow]:
    """Return the last `most` starts and ends of experiments, newest first."""
    query = sa.select(*(audit.c[field.name] for field in fields(AuditRow))).order_by(audit.c.id.desc())
    acts = (AuditAction.EXPERIMENT_STARTED, AuditAction.EXPERIMENT_ENDED)
    return [AuditRow(*row) for row in connection.execute(query.where(audit.c.act.in_(acts)).limit(most))]
