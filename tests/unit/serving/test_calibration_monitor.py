"""Rows in the monitor's table: at most one a minute, but every alert at once."""

import json

import pytest

from recsys.domain import DAY, MINUTE
from recsys.encoder.article_text import ArticleText
from recsys.encoder.calibrated_encoder import CalibratedEncoder
from recsys.serving.calibration_monitor import CalibrationMonitor
from recsys.store import attention_stats, webhook_outbox, webhooks
from recsys.store.attention_stats import MonitorRow
from recsys.store.database import Database
from recsys.store.webhooks import Webhook
from tests.calibrated import eager
from tests.trained import HashEncoder

CALIBRATION = eager()


@pytest.fixture
def watch() -> CalibrationMonitor:
    return CalibrationMonitor("v1", CALIBRATION)


def rows(database: Database) -> list[MonitorRow]:
    with database.read() as connection:
        return attention_stats.newest(connection, 100)[::-1]


def read(watch: CalibrationMonitor, *texts: str) -> None:
    CalibratedEncoder(HashEncoder(), CALIBRATION, watch.breaker, [watch.monitor]).encode(
        [ArticleText(text) for text in texts]
    )


def test_nothing_is_written_of_nothing(sqlite_database: Database, watch: CalibrationMonitor) -> None:
    watch.record(sqlite_database, DAY)
    assert rows(sqlite_database) == []


def test_a_row_has_all_figures(sqlite_database: Database, watch: CalibrationMonitor) -> None:
    read(watch, "sport: One", "world: Two")
    watch.record(sqlite_database, DAY)
    (row,) = rows(sqlite_database)
    stats = watch.monitor.stats()
    assert row == MonitorRow(
        at=DAY,
        bundle="v1",
        calibrator=CALIBRATION.digest,
        texts=2,
        score_p50=stats.score_p50,
        score_p99=stats.score_p99,
        flag_rate=1.0,
        gated_share=1.0,
        entropy_psi=None,
        received_kl=stats.received_kl,
        seconds_per_text=stats.seconds_per_text,
        breaker_open=False,
    )


def test_texts_are_reported_once_a_minute_and_silence_never(
    sqlite_database: Database, watch: CalibrationMonitor
) -> None:
    for second in range(0, 181, 20):
        if second < 150:
            read(watch, f"sport: {second}")
        watch.record(sqlite_database, DAY + second * MINUTE // 60)
    assert [(row.at - DAY) // MINUTE for row in rows(sqlite_database)] == [0, 1, 2, 3]
    watch.record(sqlite_database, 2 * DAY)
    assert len(rows(sqlite_database)) == 4


def test_an_alert_is_written_at_once_and_once(sqlite_database: Database, watch: CalibrationMonitor) -> None:
    webhook = Webhook(id="a", url="https://a.example", events=(), secret="s", created_at=1, created_by="cli")
    with sqlite_database.write() as connection:
        webhooks.add(connection, webhook)
    read(watch, "sport: One")
    watch.record(sqlite_database, DAY)
    watch.breaker.trip("by zero")
    for later in (1, 2, 2 * MINUTE):
        watch.record(sqlite_database, DAY + later)
    assert [(row.at - DAY, row.breaker_open, row.alert) for row in rows(sqlite_database)] == [
        (0, False, None),
        (1, True, "page: calibration is switched off: by zero"),
    ]
    with sqlite_database.read() as connection:
        found = {
            message.event: json.loads(message.body)["data"] for message in webhook_outbox.newest(connection, 9)
        }
    about = {"part": "calibration", "bundle": "v1"}
    assert found == {
        "alert": {**about, "text": "page: calibration is switched off: by zero"},
        "breaker.open": {**about, "reason": "by zero"},
    }
