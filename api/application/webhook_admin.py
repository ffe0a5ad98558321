"""Use-cases of webhooks: add, list, remove, list their messages, retry. Changes are recorded in the audit log."""

import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

from api.application.context import Application
from api.application.webhook_signature import new_secret
from ingest.web.safe_fetch import checked_address
from recsys.domain import WebhookEvent
from recsys.errors import RequestError
from recsys.store import audit_log, webhook_outbox, webhooks
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.webhook_outbox import Message
from recsys.store.webhooks import Webhook

MOST_WEBHOOKS = 20


def add_webhook(app: Application, url: str, events: Sequence[WebhookEvent], actor: str) -> Webhook:
    """Add a webhook with a new secret, which callers show once.

    events: the kinds that it wants; empty: all.

    Raises:
        DataError: the address is not http or https, or contains a password.
        RequestError: there are `MOST_WEBHOOKS` already.
        StoreError: the database is unavailable.
    """
    now = app.clock.next()
    webhook = Webhook(
        id=uuid.uuid4().hex[:12],
        url=str(checked_address(url.strip())),
        events=tuple(dict.fromkeys(events)),
        secret=new_secret(),
        created_at=now,
        created_by=actor,
    )
    with app.database.write() as connection:
        if len(webhooks.all_webhooks(connection)) >= MOST_WEBHOOKS:
            raise RequestError(f"{MOST_WEBHOOKS} webhooks exist already: remove one first")
        webhooks.add(connection, webhook)
        audit_log.record(connection, AuditRow(now, actor, AuditAction.WEBHOOK_ADDED, webhook.id))
    return webhook


def list_webhooks(app: Application) -> Sequence[Webhook]:
    """List every webhook, oldest first.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        return webhooks.all_webhooks(connection)


def find_webhook(app: Application, id_: str) -> Webhook:
    """Return a webhook by its id.

    Raises:
        RequestError: there is none of this id.
        StoreError: the database is unavailable.
    """
    for webhook in list_webhooks(app):
        if webhook.id == id_:
            return webhook
    raise RequestError(f"there is no webhook {id_!r}: `attune webhooks list` shows the ids")


def remove_webhook(app: Application, id_: str, actor: str) -> None:
    """Delete a webhook with its secret and its messages.

    Raises:
        RequestError: there is none of this id.
        StoreError: the database is unavailable.
    """
    with app.database.write() as connection:
        if not webhooks.remove(connection, id_):
            raise RequestError(f"there is no webhook {id_!r}: `attune webhooks list` shows the ids")
        audit_log.record(connection, AuditRow(app.clock.next(), actor, AuditAction.WEBHOOK_REMOVED, id_))


def list_messages(app: Application, count: int, only_failed: bool = False) -> list[Message]:
    """List the last `count` messages, or those that failed for good: newest first.

    Raises:
        StoreError: the database is unavailable.
    """
    listed = webhook_outbox.failed if only_failed else webhook_outbox.newest
    with app.database.read() as connection:
        return listed(connection, count)


def retry_messages(app: Application, ids: Sequence[str] = ()) -> int:
    """Make failed messages due again, all of them if `ids` is empty; return their number.

    Raises:
        RequestError: no message of these ids failed.
        StoreError: the database is unavailable.
    """
    with app.database.write() as connection:
        count = webhook_outbox.retry(connection, app.clock.next(), ids)
    if ids and not count:
        raise RequestError("no message of these ids failed: `attune webhooks messages --failed` shows the ids")
    return count


def training_failed(app: Application, reason: str) -> None:
    """Announce that a scheduled training failed, and its `reason`.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.write() as connection:
        webhook_outbox.announce(connection, WebhookEvent.TRAINING_FAILED, {"reason": reason}, app.clock.next())


def shown_address(webhook: Webhook) -> str:
    """Return the address of a webhook without its query, which may contain a secret."""
    parts = urlsplit(webhook.url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
