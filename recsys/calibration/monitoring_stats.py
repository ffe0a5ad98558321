"""Aggregates of calibration, and the alert that follows from them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WARN_PSI, PAGE_PSI = 0.2, 0.3


@dataclass(frozen=True, slots=True)
class MonitoringStats:
    """Aggregates of the newest texts encoded with a calibrator; None where there are too few.

    total: texts since the start; texts: number behind the aggregates; score_p50, score_p99: D1; flag_rate: share
    of words that D2 flags; gated_share: share of adjusted texts; entropy_psi: drift by head [L, H]; received_kl:
    see `drift`; seconds_per_text: time of inspection and second encoding; breaker: reason why it is open.
    """

    total: int
    texts: int
    score_p50: float | None = None
    score_p99: float | None = None
    flag_rate: float | None = None
    gated_share: float | None = None
    entropy_psi: NDArray[np.float64] | None = None
    received_kl: float | None = None
    seconds_per_text: float | None = None
    breaker: str | None = None

    @property
    def max_drift(self) -> float | None:
        """Return the PSI of the head with the most drift."""
        return None if self.entropy_psi is None else float(self.entropy_psi.max())

    @property
    def alert(self) -> str | None:
        """Return the alert text, None if there is none. It changes only when the situation changes."""
        alerts = []
        if self.breaker is not None:
            alerts.append(f"page: calibration is switched off: {self.breaker}")
        drift = self.max_drift or 0.0
        if drift > WARN_PSI:
            level, limit = ("page", PAGE_PSI) if drift > PAGE_PSI else ("warn", WARN_PSI)
            alerts.append(f"{level}: the entropy of a head drifted, PSI above {limit}")
        return "; ".join(alerts) or None
