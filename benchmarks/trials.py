"""False alarms and power of trials that are looked at every hour for 30 days, on simulated readers.

    python -m benchmarks.trials [--trials 2000] [--readers 600] [--effects 0 0.02 0.05 0.1]

Readers differ in how often they come and in how much they open, in the trial and before it. A trial looks at the
difference of opened articles per slate after each hour. Goals: at most 5% of trials without an effect are ever
decided; what CUPED removes is the squared correlation with the time before, ±10%.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.evaluation.sequential_trial import ArmReaders, difference

Floats = NDArray[np.float64]

HOURS, BEFORE_HOURS = 30 * 24, 28 * 24
_FIXED_ERRORS = 1.96
_MOST_FALSE = 0.05


@dataclass(frozen=True, slots=True)
class SimulatedReaders:
    """Readers [R] of a world. visits: slates per hour; rate: opened articles per slate."""

    visits: Floats
    rate: Floats

    @classmethod
    def drawn(cls, readers: int, rng: np.random.Generator) -> "SimulatedReaders":
        """Draw readers who differ as those of news sites do: much in visits, less in clicks per slate."""
        return cls(rng.lognormal(-3.0, 1.0, readers), rng.lognormal(-0.5, 0.6, readers))

    def read(self, hours: int, lift: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return slates and opened articles [R] of so many hours; lift: factor of the rate [R]."""
        slates = rng.poisson(self.visits * hours).astype(np.float64)
        return slates, rng.poisson(slates * self.rate * lift).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of one trial.

    decided: hour of the first look that excludes zero; None for none. at_end: whether a plain 95% interval
    excludes zero at the end; ever_plain: whether it did so at any look. explained: share of the variance that
    CUPED removed; correlation: squared, of the readers' parts in the mean with the time before.
    """

    decided: int | None
    at_end: bool
    ever_plain: bool
    explained: float
    correlation: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2_000)
    parser.add_argument("--readers", type=int, default=600)
    parser.add_argument("--every", type=int, default=1, help="hours between looks")
    parser.add_argument("--effects", type=float, nargs="+", default=[0.0, 0.02, 0.05, 0.1])
    options = parser.parse_args()
    print(f"{'effect':>8}{'decided':>10}{'days':>8}{'plain end':>11}{'plain ever':>12}{'CUPED':>8}{'theory':>8}")
    for effect in options.effects:
        found = [run(effect, options.readers, options.every, seed) for seed in range(options.trials)]
        decided = [each.decided for each in found if each.decided is not None]
        days = float(np.median(decided)) / 24 if decided else float("nan")
        shares = (np.mean([each.at_end for each in found]), np.mean([each.ever_plain for each in found]))
        explained = (np.mean([each.explained for each in found]), np.mean([each.correlation for each in found]))
        print(
            f"{effect:>8.0%}{len(decided) / len(found):>10.1%}{days:>8.1f}{shares[0]:>11.1%}{shares[1]:>12.1%}"
            f"{explained[0]:>8.1%}{explained[1]:>8.1%}",
            flush=True,
        )
        if effect == 0:
            share = len(decided) / len(found)
            print(f"goal: at most {_MOST_FALSE:.0%} decided: {'met' if share <= _MOST_FALSE else 'missed'}")


def run(effect: float, readers: int, every: int, seed: int) -> Outcome:
    """Run one trial with half of the readers on each side."""
    rng = np.random.default_rng(seed)
    world = SimulatedReaders.drawn(readers, rng)
    own = rng.random(readers) < 0.5
    before = world.read(BEFORE_HOURS, np.ones(readers), rng)[1]
    decided, ever = None, False
    for hour, slates, opened in _looks(world, np.where(own, 1 + effect, 1.0), every, rng):
        arms = [_arm(side, slates, opened, before) for side in (own, ~own)]
        found = difference(arms[0], arms[1])
        if found is None:
            continue
        plain = abs(found.interval.mean) > _FIXED_ERRORS * found.error
        ever |= plain
        if decided is None and (found.better or found.worse):
            decided = hour
    assert found is not None, "too few readers"
    influence = np.concatenate([arm.influence for arm in arms])
    centred = np.concatenate([arm.before - arm.before.mean() for arm in arms])
    return Outcome(decided, plain, ever, found.explained, float(np.corrcoef(influence, centred)[0, 1] ** 2))


def _looks(
    world: SimulatedReaders, lift: Floats, every: int, rng: np.random.Generator
) -> Iterator[tuple[int, Floats, Floats]]:
    """Yield the hour, and slates and opened articles [R] so far."""
    slates = opened = np.zeros(len(lift))
    for hour in range(every, HOURS + 1, every):
        more = world.read(every, lift, rng)
        slates, opened = slates + more[0], opened + more[1]
        yield hour, slates, opened


def _arm(side: NDArray[np.bool_], slates: Floats, opened: Floats, before: Floats) -> ArmReaders:
    seen = side & (slates > 0)
    return ArmReaders(slates=slates[seen], outcome=opened[seen], before=before[seen])


if __name__ == "__main__":
    main()
