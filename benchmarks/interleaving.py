"""Interleaved slates against an A/B test on simulated readers: slates that each needs, and false alarms.

    python -m benchmarks.interleaving [--trials 1000] [--readers 400]

Readers differ in how much they open and in what they like. Two rankers see the taste of a reader through noise;
the challenger's noise is smaller. A slate has ten articles; lower places are looked at less. The A/B test gives
the challenger to half of the readers and uses CUPED. Goals: interleaving needs at most a fifth of its slates for
the same power; of trials of equal rankers that are looked at ten times, at most 5% ever find a difference.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.evaluation.interleaved_trial import credit_of, mean_credit
from recsys.evaluation.sequential_trial import ArmReaders, adjusted_variance, difference
from recsys.feed.interleaving import team_draft

Floats = NDArray[np.float64]

CANDIDATES, PLACES, TOPICS = 60, 10, 12
_LOOKS = 10
_SLATES, _EACH = 40_000, 20
"""Slates that power is measured on, and slates of one reader."""
_EXAMINED = 1 / np.log2(np.arange(2, PLACES + 2))
_POWER_ERRORS = 1.96 + 0.84
"""Standard errors of an effect that a plain test finds in 4 of 5 cases."""
_MOST_SHARE, _MOST_FALSE = 0.2, 0.05


@dataclass(frozen=True, slots=True)
class Visits:
    """Simulated slates [n] of so many readers: clicks if each model shows its slate, credits of interleaving."""

    readers: int
    reader: NDArray[np.int64]
    challenger: Floats
    reference: Floats
    credit: Floats

    def part(self, of: slice) -> "Visits":
        """Return some of the slates."""
        return Visits(self.readers, self.reader[of], self.challenger[of], self.reference[of], self.credit[of])


def main() -> None:
    """Print the figures, and fail if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--readers", type=int, default=400)
    options = parser.parse_args()
    print("noise of challenger   A/B: slates needed   interleaved: slates needed   share")
    shares = []
    for noise in (0.6, 0.7, 0.8):
        found = visits(_SLATES // _EACH, _SLATES, (1.0, noise), seed=1)
        needed, mixed = slates_of_a_test(found), slates_of_interleaving(found)
        shares.append(mixed / needed)
        print(f"{noise:19.1f}   {needed:18,.0f}   {mixed:26,.0f}   {shares[-1]:5.1%}")
    false = [false_alarms(options.readers, seed) for seed in range(options.trials)]
    wrong, credits = np.mean([ever for ever, _ in false]), np.asarray([credit for _, credit in false])
    print(f"{options.trials} trials of equal rankers: a difference is found in {wrong:.1%}; ", end="")
    print(f"mean credit {credits.mean():+.5f} ± {1.96 * credits.std() / np.sqrt(len(credits)):.5f}")
    if max(shares) > _MOST_SHARE or wrong > _MOST_FALSE:
        raise SystemExit("missed: interleaving needs more than a fifth of the slates, or is wrong too often")


def slates_of_a_test(found: Visits) -> float:
    """Return the slates after which an A/B test by readers finds the difference; half of them are before it."""
    half = len(found.reader) // 2
    before, trial = (found.part(slice(*span)) for span in ((0, half), (half, None)))
    side = np.arange(found.readers) % 2 == 1
    arms = [_arm(trial, side, challenger, before) for challenger in (True, False)]
    compared = difference(*arms)
    assert compared is not None, "enough readers"
    effect = found.challenger.mean() - found.reference.mean()
    return half * float(compared.error * _POWER_ERRORS / effect) ** 2


def slates_of_interleaving(found: Visits) -> float:
    """Return the slates after which interleaving finds the difference."""
    slates = np.bincount(found.reader, minlength=found.readers).astype(np.float64)
    sums = np.bincount(found.reader, weights=found.credit, minlength=found.readers).astype(np.float64)
    arm = ArmReaders(slates=slates, outcome=sums, before=np.zeros(found.readers))
    return len(found.reader) * adjusted_variance(arm) * (_POWER_ERRORS / arm.mean) ** 2


def visits(readers: int, slates: int, noise: tuple[float, float], seed: int) -> Visits:
    """Simulate slates of the reference and the challenger, whose `noise` is given, and their interleaving.

    Each visit sees one of three worlds: the slate of either model, as in two arms, or the draft of both. Clicks of
    the three are drawn independently.
    """
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(readers, TOPICS))
    level = rng.normal(-2.0, 0.8, readers)
    reader = rng.integers(0, readers, slates)
    clicks, credit = np.zeros((2, slates)), np.zeros(slates)
    for number, who in enumerate(reader.tolist()):
        liking = taste[who][rng.integers(0, TOPICS, CANDIDATES)]
        chance = 1 / (1 + np.exp(-(level[who] + liking)))
        both = [np.argsort(-(liking + each * rng.normal(size=CANDIDATES)))[:PLACES] for each in noise]
        for arm, slate in enumerate(both):
            clicks[arm, number] = (rng.random(PLACES) < chance[slate] * _EXAMINED).sum()
        first, second = (list(map(str, slate.tolist())) for slate in both)
        draft = np.asarray(
            [both[pick.team or 0][pick.place] for pick in team_draft(first, second, f"{seed} {number}")]
        )
        opened = draft[rng.random(PLACES) < chance[draft] * _EXAMINED]
        credit[number] = credit_of(first, second, f"{seed} {number}", list(map(str, opened.tolist())))
    return Visits(readers, reader, clicks[1], clicks[0], credit)


def false_alarms(readers: int, seed: int) -> tuple[bool, float]:
    """Return whether interleaving ever finds a difference of equal rankers, and the mean credit."""
    found = visits(readers, 1_000, (0.8, 0.8), seed=1_000 + seed)
    ever = False
    for look in np.linspace(0, len(found.credit), _LOOKS + 1)[1:].astype(int).tolist():
        interval = mean_credit(found.credit[:look], found.reader[:look])
        ever |= interval is not None and not interval.low <= 0 <= interval.high
    return ever, float(found.credit.mean())


def _arm(found: Visits, side: NDArray[np.bool_], challenger: bool, before: Visits) -> ArmReaders:
    """Return the readers of one side, with their clicks before on slates of the reference."""
    clicks = found.challenger if challenger else found.reference
    slates = np.bincount(found.reader, minlength=found.readers).astype(np.float64)
    sums = np.bincount(found.reader, weights=clicks, minlength=found.readers).astype(np.float64)
    past = np.bincount(before.reader, weights=before.reference, minlength=found.readers).astype(np.float64)
    mine = (side == challenger) & (slates > 0)
    return ArmReaders(slates=slates[mine], outcome=sums[mine], before=past[mine])


if __name__ == "__main__":
    main()
