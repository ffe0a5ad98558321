"""Calibration monitor of one bundle whose calibrator is in this process: breaker, statistics and their rows."""

from typing import TYPE_CHECKING

from recsys.calibration.breaker import Breaker
from recsys.calibration.monitor import Monitor
from recsys.calibration.monitoring_stats import MonitoringStats
from recsys.serving.monitor_rows import MonitorRows
from recsys.store.database import Database

if TYPE_CHECKING:
    from recsys.calibration.calibrator import Calibration


class CalibrationMonitor:
    """Breaker and monitor of a bundle's calibration, since it was adopted.

    Args:
        bundle: version.
        calibration: monitored calibration.
    """

    def __init__(self, bundle: str, calibration: "Calibration") -> None:
        self.breaker = Breaker(calibration.flag_rate)
        self.monitor = Monitor(calibration.calibrator.profile, self.breaker)
        self._rows = MonitorRows(bundle, calibration.digest)

    def stats(self) -> MonitoringStats:
        """Return the current aggregates."""
        return self.monitor.stats()

    def record(self, database: Database, at: int) -> None:
        """Write a row at `at` (microseconds) if there is news: see `MonitorRows.record`.

        Raises:
            StoreError: the database is unavailable.
        """
        self._rows.record(database, self.stats(), at)
