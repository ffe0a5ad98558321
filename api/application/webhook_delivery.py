"""Delivery of webhooks: send what is due, retry with growing waits, give up after the last attempt."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import httpx

from api.application.context import Application
from api.application.webhook_admin import find_webhook, list_webhooks
from api.application.webhook_signature import signed_headers
from ingest.web.safe_fetch import FetchError, allowed_addresses, checked_address
from ingest.web.web_addresses import is_public
from recsys.domain import DAY, HOUR, MINUTE, SECOND, WebhookEvent
from recsys.errors import StoreUnavailableError
from recsys.store import webhook_outbox
from recsys.store.webhook_outbox import Message
from recsys.store.webhooks import Webhook

logger = logging.getLogger(__name__)

ATTEMPTS = 10
"""Attempts of a message before it has failed for good."""

_FIRST_WAIT, _LONGEST_WAIT = 5 * SECOND, 12 * HOUR
_AT_ONCE = 8
"""Messages that are sent at the same time."""

_REQUEST_SECONDS = 15.0
_LEASE = MINUTE
"""Time after which a message whose sender died is sent again; longer than a request."""

_KEPT = 30 * DAY
"""Time after which delivered and failed messages are deleted."""

_LONGEST_SLEEP = 2.0
"""Seconds after which messages that were stored meanwhile are noticed."""


class WebhookSender:
    """Sender of messages, for one event loop.

    Args:
        user_agent: name that receivers see.
        allowed: returns True for the IP addresses that may be requested.
    """

    def __init__(self, user_agent: str, allowed: Callable[[str], bool]) -> None:
        self._user_agent = user_agent
        self._allowed = allowed
        self._certificates = httpx.create_ssl_context(trust_env=False)  # reading them takes longer than a request

    async def send(self, webhook: Webhook, message: Message, at: int) -> int:
        """Send a message at `at` (microseconds); return the status, which is from 200 to 299.

        Redirects are not followed, and the content of the answer is not read.

        Raises:
            FetchError: the address is not allowed, or the receiver does not accept the message.
        """
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                status = await self._post(webhook, message, at)
        except TimeoutError as error:
            raise FetchError(f"no answer within {_REQUEST_SECONDS:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchError(f"cannot be reached: {type(error).__name__}") from error
        if not httpx.codes.is_success(status):
            raise FetchError(f"the receiver answers {status}", status)
        return status

    async def _post(self, webhook: Webhook, message: Message, at: int) -> int:
        target = checked_address(webhook.url)
        headers = {
            **signed_headers(webhook.secret, message.id, at // SECOND, message.body),
            "Host": target.netloc.decode(),
            "User-Agent": self._user_agent,
            "Content-Type": "application/json",
        }
        names = {"sni_hostname": target.raw_host.decode()} if target.scheme == "https" else {}
        failure: httpx.HTTPError | None = None
        async with httpx.AsyncClient(
            verify=self._certificates, trust_env=False, timeout=_REQUEST_SECONDS, headers=headers
        ) as client:
            for address in await allowed_addresses(target, self._allowed, "set ATTUNE_WEBHOOK_PRIVATE=true"):
                url, content = target.copy_with(host=address), message.body.encode()
                try:
                    async with client.stream("POST", url, content=content, extensions=names) as response:
                        return response.status_code
                except httpx.ConnectError as error:  # another address of the host may answer
                    failure = error
        raise FetchError("cannot be reached: no address of its host accepts a connection") from failure


def webhook_sender(app: Application) -> WebhookSender:
    """Return the sender of an application."""
    allowed = (lambda _: True) if app.settings.webhook_private else is_public
    return WebhookSender(app.settings.user_agent, allowed)


def wait_after(attempts: int) -> int:
    """Return the microseconds from a failed attempt to the next: 5 s, 20 s, 80 s … up to 12 hours."""
    return min(_FIRST_WAIT * int(4 ** (attempts - 1)), _LONGEST_WAIT)


def send_test(app: Application, id_: str) -> int:
    """Send a test message to a webhook now, outside the outbox; return the status of the answer.

    Raises:
        FetchError: the receiver does not accept it.
        RequestError: there is no webhook of this id.
        StoreError: the database is unavailable.
    """
    webhook, now = find_webhook(app, id_), app.clock.next()
    message = webhook_outbox.message_for(id_, WebhookEvent.TEST, {"webhook": id_}, now)
    return asyncio.run(webhook_sender(app).send(webhook, message, now))


async def deliver_due(app: Application, sender: WebhookSender) -> list[Message]:
    """Send the messages that are due, up to a round of them; return them with their results.

    Raises:
        StoreError: the database is unavailable.
    """
    now = app.clock.next()
    with app.database.read() as connection:
        due_at = webhook_outbox.next_due(connection)
    if due_at is None or due_at > now:
        return []
    with app.database.write() as connection:
        claimed = webhook_outbox.claim(connection, now, _LEASE, _AT_ONCE)
    known = {webhook.id: webhook for webhook in list_webhooks(app)}
    attempts = (_attempt(app, sender, known.get(message.webhook), message) for message in claimed)
    settled = await asyncio.gather(*attempts)
    with app.database.write() as connection:
        for message in settled:
            webhook_outbox.settle(connection, message)
        webhook_outbox.sweep(connection, now - _KEPT)
    return settled


async def _attempt(app: Application, sender: WebhookSender, webhook: Webhook | None, message: Message) -> Message:
    if webhook is None:
        return replace(message, next_at=None, error="the webhook was removed")
    try:
        await sender.send(webhook, message, app.clock.next())
    except FetchError as error:
        gone = error.status == httpx.codes.GONE or message.attempts >= ATTEMPTS
        next_at = None if gone else app.clock.next() + wait_after(message.attempts)
        text = str(error).replace(webhook.url, "the address")  # its query may contain a secret
        logger.warning("webhook %s: attempt %d of %s failed", webhook.id, message.attempts, message.id)
        return replace(message, next_at=next_at, error=text)
    return replace(message, next_at=None, delivered_at=app.clock.next(), error=None)


async def keep_delivering(app: Application, stop: asyncio.Event) -> None:
    """Send each message when it is due, until `stop`. While the database is unavailable, it waits.

    Attempts in progress at the end are finished.
    """
    sender = webhook_sender(app)
    stopped = asyncio.create_task(stop.wait())
    while not stop.is_set():
        try:
            busy = bool(await deliver_due(app, sender))
        except StoreUnavailableError as error:
            logger.warning("webhooks wait for the database: %s", error)
            busy = False
        await asyncio.wait({stopped}, timeout=0 if busy else _LONGEST_SLEEP)
