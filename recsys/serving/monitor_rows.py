"""Rows of a calibration monitor in the database: at most one a minute, but every alert at once."""

from recsys.calibration.monitoring_stats import MonitoringStats
from recsys.domain import MINUTE, WebhookEvent
from recsys.store import attention_stats, webhook_outbox
from recsys.store.attention_stats import MonitorRow
from recsys.store.database import Connection, Database


class MonitorRows:
    """Writer of the rows of one bundle. calibrator: digest of its calibrator."""

    def __init__(self, bundle: str, calibrator: str) -> None:
        self._bundle = bundle
        self._calibrator = calibrator
        self._written_at: int | None = None
        self._written = MonitoringStats(total=0, texts=0)

    def record(self, database: Database, stats: MonitoringStats, at: int) -> None:
        """Write a row at `at` (microseconds) if there is news: an alert at once, new texts after a minute.

        Raises:
            StoreError: the database is unavailable.
        """
        if not self._due(stats, at):
            return
        with database.write() as connection:
            attention_stats.record(connection, self._row(stats, at))
            self._announce(connection, stats, at)
        self._written_at, self._written = at, stats

    def _announce(self, connection: Connection, stats: MonitoringStats, at: int) -> None:
        """Notify webhooks of a new alert, and of a breaker that opened."""
        about = {"part": "calibration", "bundle": self._bundle}
        if self._has_new_alert(stats):
            webhook_outbox.announce(connection, WebhookEvent.ALERT, {**about, "text": stats.alert}, at)
        if stats.breaker is not None and self._written.breaker is None:
            webhook_outbox.announce(connection, WebhookEvent.BREAKER_OPEN, {**about, "reason": stats.breaker}, at)

    def _due(self, stats: MonitoringStats, at: int) -> bool:
        minute_passed = self._written_at is None or at - self._written_at >= MINUTE
        return self._has_new_alert(stats) or (minute_passed and stats.total > self._written.total)

    def _has_new_alert(self, stats: MonitoringStats) -> bool:
        return stats.alert is not None and stats.alert != self._written.alert

    def _row(self, stats: MonitoringStats, at: int) -> MonitorRow:
        return MonitorRow(
            at=at,
            bundle=self._bundle,
            calibrator=self._calibrator,
            texts=stats.texts,
            score_p50=stats.score_p50,
            score_p99=stats.score_p99,
            flag_rate=stats.flag_rate,
            gated_share=stats.gated_share,
            entropy_psi=stats.max_drift,
            received_kl=stats.received_kl,
            seconds_per_text=stats.seconds_per_text,
            breaker_open=stats.breaker is not None,
            alert=stats.alert,
        )
