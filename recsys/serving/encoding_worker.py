"""Work of the encoding process: texts come in through a pipe, and vectors go back."""

import fcntl
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from recsys.calibration.monitoring_stats import MonitoringStats
from recsys.cpu_threads import cpu_threads
from recsys.encoder.article_text import ArticleText
from recsys.encoder.protocols import Encoded, Encoder, ModelEncoder
from recsys.errors import AttuneError, EncoderError
from recsys.models.calibrator_io import CalibratorFile, article_encoder
from recsys.settings import Settings

if TYPE_CHECKING:
    from recsys.calibration.monitor import Monitor

logger = logging.getLogger(__name__)

IDLE_SECONDS = 300.0
"""Seconds without texts after which the process ends."""

_LOCK = "encoding.lock"

MakeEncoder = Callable[[Settings], ModelEncoder]


@dataclass(frozen=True, slots=True)
class EncodingJob:
    """Texts to encode; with a `calibrator`, their vectors are calibrated, too."""

    texts: tuple[ArticleText, ...]
    calibrator: CalibratorFile | None = None


@dataclass(frozen=True, slots=True)
class Encoding:
    """Vectors of a job. stats: of the calibration, since this process read it; None without a calibrator."""

    encoded: Encoded
    stats: MonitoringStats | None = None


def encode_jobs(
    connection: Connection, settings: Settings, make: MakeEncoder, prepare: Callable[[], None] | None, idle: float
) -> None:
    """Answer the jobs of `connection` in this process, first of all whether it is the only one of its home."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the service, which ends this process
    if prepare is not None:
        prepare()
    with (settings.home / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel releases it with the process
        except BlockingIOError:
            connection.send(False)
            return
        connection.send(True)
        encoders = Encoders(make(settings))
        with cpu_threads(settings.threads):  # as in any other process, so that vectors are equal bit for bit
            while connection.poll(idle):
                try:
                    job = connection.recv()
                except EOFError:  # the service ended
                    return
                connection.send(_outcome(encoders, job))


def _outcome(encoders: "Encoders", job: EncodingJob) -> Encoding | EncoderError:
    try:
        return encoders.run(job)
    except EncoderError as error:
        return error
    except AttuneError as error:
        return EncoderError(str(error))
    except Exception as error:
        logger.exception("articles cannot be encoded")
        return EncoderError(f"articles cannot be encoded: {type(error).__name__}; its stack is in the log")


@dataclass(slots=True)
class Encoders:
    """The raw encoder, and the one with the calibrator of the last job, with its monitor."""

    raw: ModelEncoder
    calibrator: CalibratorFile | None = None
    calibrated: Encoder | None = None
    monitors: "list[Monitor]" = field(default_factory=list)

    def run(self, job: EncodingJob) -> Encoding:
        """Encode the texts of a job.

        Raises:
            EncoderError: the model cannot be loaded, or gave vectors that are not finite.
            BundleError: the calibrator cannot be read.
        """
        if job.calibrator is None:
            return Encoding(self.raw.encode(job.texts))
        if self.calibrated is None or job.calibrator != self.calibrator:
            self._use(job.calibrator)
            assert self.calibrated is not None
        encoded = self.calibrated.encode(job.texts)
        return Encoding(encoded, self.monitors[-1].stats())

    def _use(self, file: CalibratorFile) -> None:
        from recsys.calibration.breaker import Breaker
        from recsys.calibration.monitor import Monitor

        calibration = file.read()
        breaker = Breaker(calibration.flag_rate)
        self.monitors = [Monitor(calibration.calibrator.profile, breaker)]
        self.calibrator, self.calibrated = file, article_encoder(self.raw, calibration, breaker, self.monitors)
