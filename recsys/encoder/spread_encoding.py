"""Encoding of many articles by the workers of a Ray cluster, each of which loads the model once.

Parts of the articles are encoded as in one process, with the same batches, so vectors are equal to the bit on
processors of one kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.breaker import Breaker
from recsys.cpu_threads import cpu_threads
from recsys.encoder.article_text import ArticleText
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import Encoded, Encoder, ObservedPart
from recsys.executors.ray_pool import RayPool
from recsys.executors.worker_pool import mapped
from recsys.settings import Settings

if TYPE_CHECKING:
    from recsys.calibration.calibrator import Calibration

_FEWEST_PARTS = 2
"""Parts for which workers pay: each takes seconds to load the model."""


class SpreadEncoder(LazyEncoder):
    """Encoder whose parts are encoded by a Ray cluster; single calls of `encode` stay in this process.

    Args:
        settings: of the encoder; `ray` is the address of the cluster.
    """

    def encode_parts(self, parts: Sequence[Sequence[ArticleText]]) -> Iterator[Encoded]:
        """Implement `protocols.PartsEncoder`."""
        if len(parts) < _FEWEST_PARTS:
            yield from map(self.encode, parts)
            return
        for part in self._encoded(parts, None):
            yield part.encoded

    def observed_parts(
        self, parts: Sequence[Sequence[ArticleText]], calibration: "Calibration"
    ) -> Iterator[ObservedPart]:
        """Implement `protocols.ObservingEncoder`."""
        return self._encoded(parts, calibration)

    def _encoded(
        self, parts: Sequence[Sequence[ArticleText]], calibration: "Calibration | None"
    ) -> Iterator[ObservedPart]:
        settings = self._settings
        assert settings.ray is not None
        work = PartWork(settings.without_credentials(), calibration)
        gpu = settings.device == "cuda"
        pool: RayPool[Sequence[ArticleText], ObservedPart]
        pool = RayPool(work, settings.ray, settings.replay_workers, gpu)
        return mapped(pool, parts)


def encoder_of(settings: Settings) -> LazyEncoder:
    """Return the encoder of a command that encodes many articles."""
    return LazyEncoder(settings) if settings.ray is None else SpreadEncoder(settings)


@dataclass(slots=True)
class PartWork:
    """Work on a part of the articles. It keeps the model, which is loaded by the first part."""

    settings: Settings
    calibration: "Calibration | None"
    loaded: LazyEncoder | None = field(default=None, init=False)

    def __call__(self, piece: Sequence[ArticleText], progress: Any) -> ObservedPart:
        """Encode the articles with these texts."""
        with cpu_threads(1):
            self.loaded = self.loaded or LazyEncoder(self.settings)
            witness = _Witness()
            encoder = _calibrated(self.loaded, self.calibration, witness)
            encoded = encoder.encode(piece)
        progress(len(piece))
        return ObservedPart(encoded, witness.counts, witness.reason)


class _Witness(Breaker):
    """Breaker of one part, which only keeps the counts of words: the breaker with all parts decides."""

    def __init__(self) -> None:
        super().__init__(flag_rate=1.0)
        self.counts: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def count(self, words: NDArray[np.int64], flagged: NDArray[np.int64]) -> None:
        """Keep the number of words [n] and of flagged words [n] of a batch."""
        self.counts.append((words, flagged))


def _calibrated(encoder: LazyEncoder, calibration: "Calibration | None", breaker: Breaker) -> Encoder:
    if calibration is None:
        return encoder
    from recsys.encoder.calibrated_encoder import CalibratedEncoder

    return CalibratedEncoder(encoder, calibration, breaker)
