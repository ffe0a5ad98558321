"""Calibration of one bundle in one process: guarded, watched, and written down."""

from typing import TYPE_CHECKING

from recsys.calibration.breaker import Breaker
from recsys.calibration.monitor import Monitor
from recsys.calibration.monitoring_stats import Gauges
from recsys.domain import MINUTE
from recsys.store import attention_stats
from recsys.store.attention_stats import MonitorRow
from recsys.store.database import Database

if TYPE_CHECKING:
    from recsys.calibration.calibration import Calibration


class AttentionWatch:
    """Breaker and monitor of a bundle's calibration, from when it is adopted.

    Args:
        bundle: version.
        calibration: what is watched.
    """

    def __init__(self, bundle: str, calibration: "Calibration") -> None:
        self.breaker = Breaker(calibration.flag_rate)
        self.monitor = Monitor(calibration.calibrator.profile, self.breaker)
        self._bundle = bundle
        self._calibrator = calibration.digest
        self._written_at: int | None = None
        self._written = Gauges(total=0, texts=0)

    def record(self, database: Database, at: int) -> None:
        """Write a row at `at` (microseconds) if there is something new: an alert at once, texts after a minute.

        Raises:
            StoreError: the database cannot be reached.
        """
        gauges = self.monitor.gauges()
        if not self._due(gauges, at):
            return
        with database.write() as connection:
            attention_stats.record(connection, self._row(gauges, at))
        self._written_at, self._written = at, gauges

    def _due(self, gauges: Gauges, at: int) -> bool:
        if gauges.alert is not None and gauges.alert != self._written.alert:
            return True
        rested = self._written_at is None or at - self._written_at >= MINUTE
        return rested and gauges.total > self._written.total

    def _row(self, gauges: Gauges, at: int) -> MonitorRow:
        return MonitorRow(
            at=at,
            bundle=self._bundle,
            calibrator=self._calibrator,
            texts=gauges.texts,
            score_p50=gauges.score_p50,
            score_p99=gauges.score_p99,
            flag_rate=gauges.flag_rate,
            gated_share=gauges.gated_share,
            entropy_psi=gauges.most_drift,
            received_kl=gauges.received_kl,
            seconds_per_text=gauges.seconds_per_text,
            breaker_open=gauges.breaker is not None,
            alert=gauges.alert,
        )
