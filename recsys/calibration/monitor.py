"""Monitor of running calibration: aggregates over the newest texts."""

import threading
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.breaker import WINDOW, Breaker
from recsys.calibration.drift import ENTROPY, entropy_psi, received_kl
from recsys.calibration.listener import ObservedBatch
from recsys.calibration.monitoring_stats import MonitoringStats
from recsys.calibration.normal_profile import Profile


@dataclass(frozen=True, slots=True)
class _Texts:
    """Values of n texts: [n] each, entropy [n, L, H]."""

    score: NDArray[np.float64]
    lengths: NDArray[np.int64]
    flagged: NDArray[np.int64]
    gated: NDArray[np.bool_]
    received_kl: NDArray[np.float64]
    seconds: NDArray[np.float64]
    entropy: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.score)

    def followed_by(self, later: "_Texts") -> "_Texts":
        """Append later texts, and keep the newest ones."""
        pairs = ((getattr(self, field.name), getattr(later, field.name)) for field in fields(self))
        return _Texts(*(np.concatenate(pair)[-WINDOW:] for pair in pairs))


class Monitor:
    """Thread-safe `Listener` that aggregates the newest texts.

    Args:
        profile: the normal profile.
        breaker: circuit breaker of the calibration.
    """

    def __init__(self, profile: Profile, breaker: Breaker) -> None:
        self._profile = profile
        self._breaker = breaker
        self._lock = threading.Lock()
        self._texts: _Texts | None = None
        self._total = 0

    def saw(self, reading: ObservedBatch) -> None:
        """Implement `Listener.saw`."""
        new = _texts_of(reading)
        with self._lock:
            self._texts = new if self._texts is None else self._texts.followed_by(new)
            self._total += len(new)

    def stats(self) -> MonitoringStats:
        """Return the current aggregates."""
        with self._lock:
            texts, total = self._texts, self._total
        if texts is None:
            return MonitoringStats(total=0, texts=0, breaker=self._breaker.reason)
        words = np.maximum(texts.lengths - 2, 0).sum()
        return MonitoringStats(
            total=total,
            texts=len(texts),
            score_p50=float(np.quantile(texts.score, 0.5)),
            score_p99=float(np.quantile(texts.score, 0.99)),
            flag_rate=float(texts.flagged.sum() / max(words, 1)),
            gated_share=float(texts.gated.mean()),
            entropy_psi=entropy_psi(self._profile, texts.entropy, texts.lengths),
            received_kl=float(texts.received_kl.mean()),
            seconds_per_text=float(texts.seconds.mean()),
            breaker=self._breaker.reason,
        )


def _texts_of(reading: ObservedBatch) -> _Texts:
    texts = len(reading.found)
    return _Texts(
        score=reading.found.score,
        lengths=reading.found.lengths,
        flagged=reading.found.flagged.sum(axis=1),
        gated=reading.gated,
        received_kl=received_kl(reading.seen, reading.plan),
        seconds=np.full(texts, reading.seconds / texts),
        entropy=reading.seen.heads[..., ENTROPY],
    )
