"""Outbox of webhooks: a message is stored in the transaction of its event, and sent afterwards."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import SECOND, WebhookEvent
from recsys.store import audit_log, webhooks
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.tables import webhook_messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event for one webhook. Times are microseconds.

    body: JSON object. attempts: begun so far. next_at: of the next attempt; None if it is delivered
    (`delivered_at`) or failed for good. error: of the last attempt.
    """

    id: str
    webhook: str
    event: WebhookEvent
    body: str
    created_at: int
    attempts: int = 0
    next_at: int | None = None
    delivered_at: int | None = None
    error: str | None = None

    @property
    def failed(self) -> bool:
        """Return True if no further attempt is made."""
        return self.next_at is None and self.delivered_at is None


def message_for(webhook: str, event: WebhookEvent, data: Mapping[str, object], at: int) -> Message:
    """Return a new message that is due at `at`; its body has the form of the Standard Webhooks specification."""
    timestamp = datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds")
    body = json.dumps({"type": event, "timestamp": timestamp.replace("+00:00", "Z"), "data": dict(data)})
    id_ = f"msg_{uuid.uuid4().hex}"
    return Message(id=id_, webhook=webhook, event=event, body=body, created_at=at, next_at=at)


def announce(connection: Connection, event: WebhookEvent, data: Mapping[str, object], at: int) -> int:
    """Store a message for each webhook that wants this event; return their number."""
    wanting = [webhook for webhook in webhooks.all_webhooks(connection) if webhook.wants(event)]
    messages = [asdict(message_for(webhook.id, event, data, at)) for webhook in wanting]
    if messages:
        connection.execute(sa.insert(webhook_messages), messages)
    return len(messages)


def record_activation(connection: Connection, row: AuditRow) -> None:
    """Record that `row.subject` became the active bundle, in the audit log and for the webhooks that want it."""
    audit_log.record(connection, row)
    rolled_back = row.act == AuditAction.MODEL_ROLLED_BACK
    data = {"version": row.subject, "actor": row.actor, "rolled_back": rolled_back}
    announce(connection, WebhookEvent.MODEL_ACTIVATED, data, row.at)


def claim(connection: Connection, now: int, lease: int, count: int) -> list[Message]:
    """Claim up to `count` due messages for `lease` microseconds, and begin an attempt of each.

    Processes that claim at the same time get different messages. A message whose sender dies is due again after
    the lease.
    """
    m = webhook_messages.c
    query = _columns().where(m.next_at <= now).order_by(m.next_at, m.id).limit(count)
    claimed = []
    for row in connection.execute(query).mappings().all():
        mine = (m.id == row["id"], m.next_at == row["next_at"])
        values = {"next_at": now + lease, "attempts": row["attempts"] + 1}
        if connection.execute(sa.update(webhook_messages).where(*mine).values(**values)).rowcount:
            claimed.append(_message({**row, **values}))
    return claimed


def settle(connection: Connection, message: Message) -> None:
    """Store the result of an attempt; the message of a webhook that was removed meanwhile stays removed."""
    values = {name: getattr(message, name) for name in ("next_at", "delivered_at", "error")}
    connection.execute(sa.update(webhook_messages).where(webhook_messages.c.id == message.id).values(**values))


def newest(connection: Connection, count: int) -> list[Message]:
    """Return the last `count` messages, newest first."""
    m = webhook_messages.c
    return _selected(connection, _columns().order_by(m.created_at.desc(), m.id).limit(count))


def failed(connection: Connection, count: int) -> list[Message]:
    """Return the last `count` messages that failed for good, newest first."""
    m = webhook_messages.c
    query = _columns().where(m.next_at.is_(None), m.delivered_at.is_(None))
    return _selected(connection, query.order_by(m.created_at.desc(), m.id).limit(count))


def retry(connection: Connection, now: int, ids: Sequence[str] = ()) -> int:
    """Make failed messages due again, with all their attempts; return their number. No `ids`: every failed one."""
    m = webhook_messages.c
    where = [m.next_at.is_(None), m.delivered_at.is_(None), *([m.id.in_(ids)] if ids else [])]
    return connection.execute(sa.update(webhook_messages).where(*where).values(next_at=now, attempts=0)).rowcount


def sweep(connection: Connection, before: int) -> int:
    """Delete delivered and failed messages from before a time (microseconds); return their number."""
    m = webhook_messages.c
    old = sa.delete(webhook_messages).where(m.next_at.is_(None), m.created_at < before)
    return connection.execute(old).rowcount


def next_due(connection: Connection) -> int | None:
    """Return the time of the next attempt (microseconds), None if no message waits."""
    found: int | None = connection.execute(sa.select(sa.func.min(webhook_messages.c.next_at))).scalar_one()
    return found


def _columns() -> sa.Select[tuple[object, ...]]:
    return sa.select(*(webhook_messages.c[each.name] for each in fields(Message)))


def _selected(connection: Connection, query: sa.Select[tuple[object, ...]]) -> list[Message]:
    return [_message(dict(row)) for row in connection.execute(query).mappings()]


def _message(row: Mapping[str, Any]) -> Message:
    return Message(**{**row, "event": WebhookEvent(row["event"])})
