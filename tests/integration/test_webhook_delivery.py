"""Messages of webhooks on their way to a real receiver, from each database."""

import asyncio
import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from api.application import webhook_admin
from api.application.context import Application
from api.application.webhook_delivery import (
    ATTEMPTS,
    deliver_due,
    keep_delivering,
    send_test,
    wait_after,
    webhook_sender,
)
from ingest.web.safe_fetch import FetchError
from recsys.domain import DAY, HOUR, SECOND, WebhookEvent
from recsys.errors import RequestError
from recsys.serving.clock import Clock
from recsys.store import audit_log, webhook_outbox
from recsys.store.database import Database
from recsys.store.webhook_outbox import Message
from recsys.store.webhooks import Webhook
from tests.application import application
from tests.web_server import WebServer, page, web_server

OK = page(b"", 204)


class LaterClock(Clock):
    """A clock that a test sets forward."""

    ahead = 0

    def next(self) -> int:
        return super().next() + self.ahead


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
def app(database: Database, clock: LaterClock) -> Application:
    return local(application(database), clock)


@pytest.fixture
def sqlite_app(sqlite_database: Database, clock: LaterClock) -> Application:
    return local(application(sqlite_database), clock)


def local(app: Application, clock: Clock) -> Application:
    """The application, with a clock of the test, and allowed to send to this machine."""
    return replace(app, clock=clock, settings=app.settings.model_copy(update={"webhook_private": True}))


def announce(app: Application, url: str) -> Webhook:
    added = webhook_admin.add_webhook(app, url, [WebhookEvent.TRAINING_FAILED], "cli")
    webhook_admin.training_failed(app, "out of memory")
    return added


def deliver(app: Application) -> list[Message]:
    return asyncio.run(deliver_due(app, webhook_sender(app)))


def test_a_message_arrives_once_and_its_signature_proves_it(app: Application, server: WebServer) -> None:
    server.pages["/hook?a=1"] = OK
    webhook = announce(app, server.url("/hook?a=1"))
    (message,) = deliver(app)
    assert message.delivered_at is not None
    assert deliver(app) == []
    (body,), (headers,) = server.bodies, server.headers
    assert json.loads(body)["type"] == "training.failed"
    assert json.loads(body)["data"] == {"reason": "out of memory"}
    assert headers["webhook-id"] == message.id
    content = f"{message.id}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(webhook.secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, content, "sha256").digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_a_message_is_tried_again_with_growing_waits_until_it_failed(
    app: Application, server: WebServer, clock: LaterClock
) -> None:
    server.pages["/hook"] = page(b"", 503)
    announce(app, server.url("/hook"))
    for attempt in range(1, ATTEMPTS + 1):
        (message,) = deliver(app)
        assert (message.attempts, message.error) == (attempt, "the receiver answers 503")
        assert deliver(app) == []
        clock.ahead += wait_after(attempt) + SECOND
    assert message.failed
    assert deliver(app) == []
    assert [each.id for each in webhook_admin.list_messages(app, 9, only_failed=True)] == [message.id]
    server.pages["/hook"] = OK
    assert webhook_admin.retry_messages(app, [message.id]) == 1
    (again,) = deliver(app)
    assert (again.delivered_at is not None, again.error) == (True, None)
    assert len({each["webhook-id"] for each in server.headers}) == 1


def test_waits_grow_to_half_a_day() -> None:
    waits = [wait_after(attempt) for attempt in range(1, ATTEMPTS)]
    assert waits[:3] == [5 * SECOND, 20 * SECOND, 80 * SECOND]
    assert waits == sorted(waits)
    assert waits[-1] == 12 * HOUR
    assert DAY < sum(waits) < 2 * DAY


def test_a_receiver_that_is_gone_gets_no_further_attempt(sqlite_app: Application, server: WebServer) -> None:
    server.pages["/hook"] = page(b"", 410)
    announce(sqlite_app, server.url("/hook"))
    assert deliver(sqlite_app)[0].failed


def test_redirects_are_not_followed(sqlite_app: Application, server: WebServer) -> None:
    server.pages |= {"/hook": page(b"", 302, Location="/other"), "/other": OK}
    announce(sqlite_app, server.url("/hook"))
    assert deliver(sqlite_app)[0].error == "the receiver answers 302"
    assert server.requests == ["/hook"]


def test_a_receiver_that_is_away_does_not_hold_up_another(sqlite_app: Application, server: WebServer) -> None:
    server.pages["/hook"] = OK
    webhook_admin.add_webhook(sqlite_app, "http://127.0.0.1:1/hook", (), "cli")
    announce(sqlite_app, server.url("/hook"))
    results = {message.error for message in deliver(sqlite_app)}
    assert results == {None, "cannot be reached: no address of its host accepts a connection"}


def test_private_networks_get_nothing_unless_a_setting_allows_it(
    sqlite_app: Application, server: WebServer
) -> None:
    closed = replace(sqlite_app, settings=sqlite_app.settings.model_copy(update={"webhook_private": False}))
    webhook = announce(closed, server.url("/hook?token=secret"))
    (message,) = deliver(closed)
    assert "ATTUNE_WEBHOOK_PRIVATE" in str(message.error)
    assert "token" not in str(message.error)
    with pytest.raises(FetchError, match="private network"):
        send_test(closed, webhook.id)
    assert server.requests == []


def test_a_test_message_is_sent_at_once_and_not_stored(sqlite_app: Application, server: WebServer) -> None:
    server.pages["/hook"] = OK
    webhook = webhook_admin.add_webhook(sqlite_app, server.url("/hook"), [WebhookEvent.ALERT], "cli")
    assert send_test(sqlite_app, webhook.id) == 204
    assert json.loads(server.bodies[0])["type"] == "test"
    assert webhook_admin.list_messages(sqlite_app, 9) == []


def test_messages_that_come_later_are_delivered_until_the_stop(sqlite_app: Application, server: WebServer) -> None:
    server.pages["/hook"] = OK

    async def main() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(keep_delivering(sqlite_app, stop))
        while not server.requests:
            await asyncio.sleep(0.02)
        stop.set()
        await task

    announce(sqlite_app, server.url("/hook"))
    asyncio.run(asyncio.wait_for(main(), 20))
    assert webhook_admin.list_messages(sqlite_app, 9)[0].delivered_at is not None


def test_changes_are_audited_and_bounded(sqlite_app: Application) -> None:
    added = [
        webhook_admin.add_webhook(sqlite_app, f"https://a.example/{number}", (), "k1")
        for number in range(webhook_admin.MOST_WEBHOOKS)
    ]
    with pytest.raises(RequestError, match="remove one first"):
        webhook_admin.add_webhook(sqlite_app, "https://a.example/more", (), "k1")
    webhook_admin.remove_webhook(sqlite_app, added[0].id, "k2")
    with sqlite_app.database.read() as connection:
        newest, before = audit_log.newest(connection, 2)
        assert webhook_outbox.newest(connection, 9) == []
    assert (newest.actor, newest.act, newest.subject) == ("k2", "webhook_removed", added[0].id)
    assert (before.actor, before.act, before.subject) == ("k1", "webhook_added", added[-1].id)
