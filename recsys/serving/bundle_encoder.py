"""Article encoder of a bundle, with the monitor of its calibration: here, or in the encoding process."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from recsys.calibration.monitoring_stats import MonitoringStats
from recsys.encoder.article_text import ArticleText
from recsys.encoder.protocols import Encoded, Encoder, ModelEncoder
from recsys.models.calibrator_io import CalibratorFile, article_encoder
from recsys.models.model_loader import TrainedSystem
from recsys.serving.encoding_process import EncodingProcess
from recsys.serving.encoding_worker import EncodingJob
from recsys.serving.monitor_rows import MonitorRows
from recsys.store.database import Database


class BundleMonitor(Protocol):
    """Monitor of the calibration of one bundle."""

    def stats(self) -> MonitoringStats:
        """Return the current aggregates."""
        ...

    def record(self, database: Database, at: int) -> None:
        """Write a row at `at` (microseconds) if there is news.

        Raises:
            StoreError: the database is unavailable.
        """
        ...


def bundle_encoder(raw: ModelEncoder, system: TrainedSystem | None) -> tuple[Encoder, BundleMonitor | None]:
    """Return the article encoder of `system`, and the monitor of its calibration, if it has one."""
    if system is None or system.calibrator is None:
        return raw, None
    if isinstance(raw, EncodingProcess):
        apart = CalibratedApart(raw, system.calibrator)
        return apart, apart
    from recsys.serving.calibration_monitor import CalibrationMonitor

    calibration = system.calibrator.read()
    monitor = CalibrationMonitor(system.version, calibration)
    return article_encoder(raw, calibration, monitor.breaker, [monitor.monitor]), monitor


@dataclass(slots=True)
class CalibratedApart:
    """Calibrated encoder and monitor whose calibrator is in the encoding process.

    As in one process, the breaker stays open once it opened, also if the encoding process starts again.
    """

    process: EncodingProcess
    calibrator: CalibratorFile
    _last: MonitoringStats = field(default_factory=lambda: MonitoringStats(total=0, texts=0))
    _rows: MonitorRows = field(init=False)

    def __post_init__(self) -> None:
        self._rows = MonitorRows(self.calibrator.bundle, self.calibrator.digest)

    @property
    def name(self) -> str:
        """See `CalibratedEncoder.name`."""
        raw = self.process.name
        return raw if self._last.breaker is not None else self.calibrator.name_of(raw)

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        """See `CalibratedEncoder.encode`.

        Raises:
            EncoderError: the model or the calibrator cannot be loaded.
        """
        if self._last.breaker is not None or not texts:
            return self.process.encode(texts)
        encoding = self.process.run(EncodingJob(tuple(texts), self.calibrator))
        assert encoding.stats is not None
        # counted here: the figures of the encoding process begin again when it does
        calibrated = len(texts) if self.name in encoding.encoded.vectors else 0
        self._last = replace(encoding.stats, total=self._last.total + calibrated)
        return encoding.encoded

    def stats(self) -> MonitoringStats:
        """Implement `BundleMonitor.stats`: of the texts that this process sent."""
        return self._last

    def record(self, database: Database, at: int) -> None:
        """Implement `BundleMonitor.record`."""
        self._rows.record(database, self._last, at)
