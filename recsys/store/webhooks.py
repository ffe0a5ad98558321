"""Webhooks: addresses that operators want to be notified at, and the events that each wants."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import WebhookEvent
from recsys.store.tables import webhook_messages, webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook. events: the kinds that it wants; empty: all. created_at: microseconds."""

    id: str
    url: str
    events: tuple[WebhookEvent, ...]
    secret: str = field(repr=False)
    created_at: int
    created_by: str

    def wants(self, event: WebhookEvent) -> bool:
        """Return True if it is notified of this kind of event."""
        return not self.events or event in self.events


def add(connection: Connection, webhook: Webhook) -> None:
    """Store a new webhook."""
    connection.execute(sa.insert(webhooks).values({**asdict(webhook), "events": json.dumps(webhook.events)}))


def remove(connection: Connection, id_: str) -> bool:
    """Delete a webhook with its secret and its messages. Return False if there is none of this id."""
    connection.execute(sa.delete(webhook_messages).where(webhook_messages.c.webhook == id_))
    return connection.execute(sa.delete(webhooks).where(webhooks.c.id == id_)).rowcount > 0


def all_webhooks(connection: Connection) -> Sequence[Webhook]:
    """Return every webhook, oldest first."""
    query = sa.select(*(webhooks.c[each.name] for each in fields(Webhook)))
    rows = connection.execute(query.order_by(webhooks.c.created_at, webhooks.c.id)).mappings()
    return [Webhook(**{**row, "events": tuple(map(WebhookEvent, json.loads(row["events"])))}) for row in rows]
