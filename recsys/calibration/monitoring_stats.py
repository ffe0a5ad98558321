"""How calibration goes, in a few numbers, and when somebody has to be told."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WARN_PSI, PAGE_PSI = 0.2, 0.3


@dataclass(frozen=True, slots=True)
class MonitoringStats:
    """Figures of the newest texts that were read with a calibrator; None where there are too few.

    total: texts ever; texts: those the figures are of; score_p50, score_p99: D1; flag_rate: share of words that D2
    flags; gated_share: share of texts adjusted; entropy_psi: drift by head [L, H]; received_kl: see `divergence`;
    seconds_per_text: added by inspecting and reading again; breaker: why it is open.
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
    def most_drift(self) -> float | None:
        """PSI of the head that drifted most."""
        return None if self.entropy_psi is None else float(self.entropy_psi.max())

    @property
    def alert(self) -> str | None:
        """What somebody has to know; it changes only when there is something new to tell."""
        told = []
        if self.breaker is not None:
            told.append(f"page: calibration is switched off: {self.breaker}")
        drift = self.most_drift or 0.0
        if drift > WARN_PSI:
            level, limit = ("page", PAGE_PSI) if drift > PAGE_PSI else ("warn", WARN_PSI)
            told.append(f"{level}: the entropy of a head drifted, PSI above {limit}")
        return "; ".join(told) or None
