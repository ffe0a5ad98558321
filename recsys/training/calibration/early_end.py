"""Early end of the gates of article calibration: a small sample shows if they could switch anything on.

The gates encode all articles of thousands of slates several times. So the newest slates are looked at first, with
stored vectors and a single draw of damage. A gate runs only if, as far as they show, it may well pass: by the
predictive probability (Spiegelhalter, Freedman and Blackburn 1986). This look can only leave parts off, so the
gates guarantee what they guarantee without it.
"""

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from recsys.encoder.protocols import Vectors
from recsys.evaluation.bootstrap import Interval, compare
from recsys.training.calibration.article_gate import DAMAGED, LEAST_CLEAN
from recsys.training.calibration.damage_benchmark import DamageBenchmark
from recsys.training.calibration.robustness import KINDS, with_rows

PILOT_SLATES = 500
LEAST_CHANCE = 0.2
"""Smallest predictive probability with which a gate runs."""

_NORMAL = NormalDist()
_BOUND = _NORMAL.inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Outlook of the test of a gate, after a pilot.

    found: interval on the slates of the pilot; slates: their number; planned: number of slates that the gate needs
    for an interval as narrow as its margin, or all there are; chance: predictive probability of its test.
    """

    found: Interval
    slates: int
    planned: int
    chance: float

    @classmethod
    def of(cls, found: Interval, limit: float, slates: int, most: int) -> "Outlook":
        """Return the outlook of the test that a lower bound is above `limit`, on up to `most` slates."""
        half = (found.high - found.low) / 2
        needed = math.ceil(slates * (half / abs(LEAST_CLEAN)) ** 2) if math.isfinite(half) else most
        planned = max(min(needed, most), min(slates, most))
        return cls(found, slates, planned, _chance(found, limit, slates / planned))

    @property
    def promising(self) -> bool:
        """True if the gate should run."""
        return self.chance >= LEAST_CHANCE

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        return {**asdict(self), "least_chance": LEAST_CHANCE}


def _chance(found: Interval, limit: float, part: float) -> float:
    """Return the probability that the lower bound on all slates is above `limit`; `part` of them were looked at.

    Given the pilot's mean and standard error s, the mean on all slates is normal around it with variance
    s²(1 − part), and the standard error there is s·√part.
    """
    error = (found.high - found.low) / (2 * _BOUND)
    if not math.isfinite(error):
        return 0.0
    spread = error * math.sqrt(1 - part)
    expected = found.mean - _BOUND * error * math.sqrt(part) - limit
    if spread == 0:
        return float(expected > 0)
    return _NORMAL.cdf(expected / spread)


def outlook_of_damage(pilot: DamageBenchmark, headlines: Vectors, most: int, seed: int) -> Outlook:
    """Return the outlook of the test that damaged titles cost AUC; `headlines` [n, d] are the stored ones."""
    rng = np.random.default_rng([seed, 0])
    rows = np.flatnonzero(rng.random(pilot.articles.height) < DAMAGED)
    kinds = [KINDS[kind] for kind in rng.integers(len(KINDS), size=len(rows))]
    corrupted = pilot.damaged_headlines(rows, kinds, pilot.injector(), int(rng.integers(2**31)))
    before, after = pilot.aucs(headlines), pilot.aucs(with_rows(headlines, rows, corrupted))
    return Outlook.of(compare(before, after, pilot.readers).difference, 0.0, len(pilot.readers), most)


def outlook_of_fields(benchmark: DamageBenchmark, headlines: Vectors) -> Outlook:
    """Return the outlook of the test that field weights do no harm.

    It needs no encoding, so all slates are looked at. Suspicious headlines, to which the weights would not apply,
    are not known yet.
    """
    own, nothing = benchmark.abstracts, np.zeros(len(headlines), dtype=np.bool_)
    (calibrator,) = benchmark.calibrators
    weighted = calibrator.fields.apply(headlines, own, nothing)
    change = compare(benchmark.aucs(headlines, weighted), benchmark.aucs(headlines, own), benchmark.readers)
    slates = len(benchmark.readers)
    return Outlook.of(change.difference, LEAST_CLEAN, slates, slates)
