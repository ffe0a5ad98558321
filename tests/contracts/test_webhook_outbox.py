"""Outbox of webhooks, on every database."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from recsys.domain import WebhookEvent
from recsys.store import webhook_outbox, webhooks
from recsys.store.database import Database
from recsys.store.webhook_outbox import Message
from recsys.store.webhooks import Webhook

ALERT, GATE = WebhookEvent.ALERT, WebhookEvent.GATE_FAILED
NOW = 1_795_773_600_000_000


def a_webhook(id_: str, *events: WebhookEvent, **changes: Any) -> Webhook:
    given = {"url": "https://ü.example/?a='1'", "secret": "s3cret", "created_at": 10, "created_by": "cli"}
    return Webhook(**{"id": id_, "events": events, **given, **changes})


def announced(database: Database, webhook: Webhook, count: int = 1) -> list[Message]:
    with database.write() as connection:
        webhooks.add(connection, webhook)
        for number in range(count):
            webhook_outbox.announce(connection, ALERT, {"number": number}, NOW + number)
        return webhook_outbox.newest(connection, 100)[::-1]


def test_a_webhook_comes_back_as_it_was_stored_and_shows_its_secret_nowhere(database: Database) -> None:
    stored = [a_webhook("b"), a_webhook("a", ALERT, GATE, created_at=2**60)]
    with database.write() as connection:
        for each in stored:
            webhooks.add(connection, each)
        assert webhooks.all_webhooks(connection) == stored
    assert "s3cret" not in repr(stored)


def test_an_event_becomes_a_message_for_each_webhook_that_wants_it(database: Database) -> None:
    with database.write() as connection:
        for each in (a_webhook("all"), a_webhook("gates", GATE), a_webhook("alerts", ALERT)):
            webhooks.add(connection, each)
        assert webhook_outbox.announce(connection, ALERT, {"text": "ü 🗞"}, NOW) == 2
        found = webhook_outbox.newest(connection, 9)
    assert {message.webhook for message in found} == {"all", "alerts"}
    assert json.loads(found[0].body) == {
        "type": "alert",
        "timestamp": "2026-11-27T10:00:00.000Z",
        "data": {"text": "ü 🗞"},
    }


def test_an_event_whose_transaction_fails_is_not_announced(database: Database) -> None:
    announced(database, a_webhook("a"), 0)
    try:
        with database.write() as connection:
            webhook_outbox.announce(connection, ALERT, {}, NOW)
            raise KeyError
    except KeyError:
        pass
    with database.read() as connection:
        assert webhook_outbox.newest(connection, 9) == []


def test_a_claimed_message_is_due_again_after_its_lease(database: Database) -> None:
    first, second = announced(database, a_webhook("a"), 2)
    with database.write() as connection:
        assert webhook_outbox.next_due(connection) == NOW
        assert webhook_outbox.claim(connection, NOW - 1, 60, 9) == []
        assert webhook_outbox.claim(connection, NOW, 60, 9) == [replace(first, attempts=1, next_at=NOW + 60)]
        assert webhook_outbox.claim(connection, NOW + 1, 60, 9) == [replace(second, attempts=1, next_at=NOW + 61)]
        assert webhook_outbox.claim(connection, NOW + 59, 60, 9) == []
        assert [each.attempts for each in webhook_outbox.claim(connection, NOW + 61, 60, 9)] == [2, 2]


def test_processes_that_claim_together_get_different_messages(database: Database) -> None:
    announced(database, a_webhook("a"), 20)

    def claim(_: int) -> list[str]:
        with database.write() as connection:
            return [each.id for each in webhook_outbox.claim(connection, NOW + 99, 10**9, 8)]

    with ThreadPoolExecutor(4) as pool:
        claimed = [id_ for ids in pool.map(claim, range(12)) for id_ in ids]
    assert len(claimed) == len(set(claimed)) == 20


def test_a_failed_message_is_listed_until_it_is_tried_again(database: Database) -> None:
    failed, delivered = announced(database, a_webhook("a"), 2)
    failed = replace(failed, next_at=None, error="away")
    with database.write() as connection:
        webhook_outbox.settle(connection, failed)
        webhook_outbox.settle(connection, replace(delivered, next_at=None, delivered_at=NOW))
        assert webhook_outbox.failed(connection, 9) == [failed]
        assert failed.failed
        assert webhook_outbox.retry(connection, NOW + 5, ["other"]) == 0
        assert webhook_outbox.retry(connection, NOW + 5) == 1
        assert webhook_outbox.failed(connection, 9) == []
        assert [each.id for each in webhook_outbox.claim(connection, NOW + 5, 60, 9)] == [failed.id]


def test_old_messages_are_deleted_but_those_that_wait(database: Database) -> None:
    old, waiting, new = announced(database, a_webhook("a"), 3)
    with database.write() as connection:
        for each in (old, new):
            webhook_outbox.settle(connection, replace(each, next_at=None))
        assert webhook_outbox.sweep(connection, NOW + 2) == 1
        assert {each.id for each in webhook_outbox.newest(connection, 9)} == {waiting.id, new.id}


def test_a_removed_webhook_leaves_nothing(database: Database) -> None:
    (message,) = announced(database, a_webhook("a"))
    with database.write() as connection:
        assert webhooks.remove(connection, "a")
        assert not webhooks.remove(connection, "a")
        webhook_outbox.settle(connection, message)
        assert webhook_outbox.newest(connection, 9) == []
