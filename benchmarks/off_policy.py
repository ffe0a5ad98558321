"""Off-policy estimates against the truth: bias, RMSE, coverage of the 95% intervals, and refusals.

    python -m benchmarks.off_policy [--worlds 200] [--first 0]

choices: single ones among ten. Readers differ in how much they click; the log chooses by softmax with a uniform
part, and the target by a sharper softmax, near to the log or far from it. The model of rewards errs.
feeds: slates of five positions, or three, of twelve articles, with clicks by position, made like those of the
product: the best remaining article, or a random one; the first position is certain. The target has other scores.
In half of the kinds a click may end the visit, so that the articles above a position matter.
The truth is exact: the expected reward of a choice, or of all drawn positions of a slate that the target fills.

"by position" has the ratio of each position alone, without those above it (after Li et al. 2018), and no model.

Goals: 93 to 97% of the intervals cover the truth; the RMSE of dr is at most 0.8 of that of snips (without a clip,
as in the papers, and with that of the product); far targets on few slates are refused. Refused worlds are left out
of the other figures. "exact model" is dr without a clip, with the true mean reward of each choice: no estimator
without bias can do better by a better model.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.off_policy.clip_choice import estimated
from recsys.evaluation.off_policy.estimators import ESTIMATORS, doubly_robust, snips
from recsys.evaluation.off_policy.logged_outcomes import CLICKS, LoggedOutcomes
from recsys.evaluation.off_policy.logged_rewards import LoggedRewards
from recsys.evaluation.off_policy.reader_intervals import reader_interval
from recsys.evaluation.off_policy.weight_diagnostics import WeightDiagnostics
from recsys.evaluation.scored_slates import Bools, Floats
from recsys.simulate.truth import chance, examination

MOST_RATIO = 0.8
COVERED = (0.93, 0.97)
_ACTIONS, _CONTEXTS, _ARTICLES = 10, 20, 12
_VISITS_OF_CHOICES, _VISITS_OF_FEEDS = 10, 4
_SHARES = np.linspace(0.5, 1.5, 1_001)  # of readers in the click rate

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LoggedWorld:
    """Log of one world. truth: value of the target policy; exact: the log with the true mean rewards, or None."""

    logged: LoggedRewards
    truth: float
    exact: LoggedRewards | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """Kind of worlds with single choices. far: how much sharper the target is.

    contexts: standard deviation of the log-odds of contexts, beside that of their articles.
    """

    far: float
    readers: int = 200
    contexts: float = 0.0

    def world(self, seed: int) -> LoggedWorld:
        """Return the world of this seed."""
        rng = np.random.default_rng(seed)
        logit = rng.normal(-1.5, 0.9, (_CONTEXTS, _ACTIONS)) + self.contexts * rng.normal(size=(_CONTEXTS, 1))
        log = 0.7 * _softmax(0.5 * (logit + rng.normal(size=logit.shape))) + 0.3 / _ACTIONS
        target = _softmax((0.5 + self.far) * (logit + rng.normal(0, 0.5, logit.shape)))
        rate = chance(logit)
        mean_rate = np.minimum(rate[..., None] * _SHARES, 1).mean(axis=-1)
        reader = np.repeat(np.arange(self.readers), _VISITS_OF_CHOICES)
        context = rng.integers(_CONTEXTS, size=len(reader))
        action = (log[context].cumsum(axis=1) > rng.random(len(reader))[:, None]).argmax(axis=1)
        own = rng.uniform(0.5, 1.5, self.readers)[reader]
        model = chance(logit + rng.normal(0, 0.5, logit.shape))
        clicked = rng.random(len(reader)) < rate[context, action] * own

        def logged(model: Floats) -> LoggedRewards:
            return LoggedRewards(
                reward=clicked[:, None].astype(np.float64),
                ratio=(target / log)[context, action][:, None],
                predicted=model[context, action][:, None],
                expected=(target * model).sum(axis=1)[context][:, None],
                reader=reader,
            )

        return LoggedWorld(logged(model), float((target * mean_rate).sum(axis=1).mean()), logged(mean_rate))


@dataclass(frozen=True, slots=True)
class Feeds:
    """Kind of worlds with feeds. far: noise of the target's scores beside those of the log.

    explore: share of the positions that the log fills at random; the target a third. stops: share of the clicks
    that end a visit.
    """

    far: float
    readers: int
    positions: int = 5
    explore: float = 0.33
    stops: float = 0.0

    def world(self, seed: int) -> LoggedWorld:
        """Return the world of this seed."""
        rng = np.random.default_rng(seed)
        logit = rng.normal(-1.5, 0.9, (_CONTEXTS, _ARTICLES))
        scores = logit + rng.normal(0, 0.5, logit.shape)
        ranks, others = (_ranks(each) for each in (scores, scores + rng.normal(0, self.far, logit.shape)))
        rate, seen = chance(logit), examination(np.arange(self.positions))
        truth = np.mean([self._truth(*each, seen) for each in zip(ranks, others, rate, strict=True)])
        reader = np.repeat(np.arange(self.readers), _VISITS_OF_FEEDS)
        context = rng.integers(_CONTEXTS, size=len(reader))
        model = chance(0.8 * logit - 0.3)[context]
        slate, gone = np.arange(len(reader)), np.zeros((len(reader), _ARTICLES), dtype=bool)
        looks = np.ones(len(reader), dtype=bool)
        found = np.zeros((self.positions, 4, len(reader)))
        for position in range(self.positions):
            log = _chances(ranks[context], gone, self.explore if position else 0.0)
            target = _chances(others[context], gone, 0.33)
            article = (log.cumsum(axis=1) > rng.random(len(reader))[:, None]).argmax(axis=1)
            clicked = looks & (rng.random(len(reader)) < rate[context, article] * seen[position])
            looks &= ~clicked | (rng.random(len(reader)) >= self.stops)
            ratio = target[slate, article] / log[slate, article]
            found[position] = clicked, ratio, model[slate, article], (target * model).sum(axis=1)
            gone[slate, article] = True
        clicks, ratio, predicted, expected = found[1:].transpose(1, 2, 0).reshape(4, -1)
        drawn = self.positions - 1
        outcomes = LoggedOutcomes(
            rewards={CLICKS: clicks},
            ratio=ratio,
            position=np.tile(np.arange(1, self.positions), len(reader)),
            slate=np.repeat(slate, drawn),
            predicted=predicted,
            expected=expected,
            reader=reader,
            certain=len(reader),
            unexplored=0,
        )
        return LoggedWorld(outcomes.logged_rewards(CLICKS), float(truth))

    def _truth(self, ranks: Ints, others: Ints, rate: Floats, seen: Floats) -> float:
        """Return the expected clicks at the drawn positions of the target's slates after the log's first article.

        Slates with the same articles above a position are one; `paths` has the chance that one is made and seen.
        """
        first, order = int(ranks.argmin()), np.argsort(others).tolist()
        paths, value = {frozenset([first]): 1 - self.stops * rate[first] * seen[0]}, 0.0
        for look in seen[1:].tolist():
            longer: dict[frozenset[int], float] = {}
            for above, made in paths.items():
                remaining = [article for article in order if article not in above]
                for article in remaining:
                    best = 0.67 if article == remaining[0] else 0.0
                    here = made * (0.33 / len(remaining) + best)
                    value += here * rate[article] * look
                    key = above | {article}
                    longer[key] = longer.get(key, 0.0) + here * (1 - self.stops * rate[article] * look)
            paths = longer
        return value


def _ranks(scores: Floats) -> Ints:
    return np.argsort(np.argsort(-scores, axis=1), axis=1)


def _chances(ranks: Ints, gone: Bools, explore: float) -> Floats:
    """Return the chance of each article [S, A] of the next position: those of `Exploration`."""
    chances = np.where(gone, 0.0, explore / (~gone).sum(axis=1, keepdims=True))
    chances[np.arange(len(gone)), np.where(gone, _ARTICLES, ranks).argmin(axis=1)] += 1 - explore
    return chances


def by_position(logged: LoggedRewards) -> Interval:
    """Return the estimate from the ratio of each position alone."""
    zero, positions = np.zeros((logged.reward.size, 1)), logged.reward.shape[1]
    single = replace(
        logged,
        reward=logged.reward.reshape(-1, 1),
        ratio=logged.ratio.reshape(-1, 1),
        predicted=zero,
        expected=zero,
        reader=np.repeat(logged.reader, positions),
    )
    return reader_interval(snips(single).parts * positions, single.reader)


def measure(name: str, worlds: Iterator[LoggedWorld]) -> None:
    """Print the figures of all estimators on `worlds`."""
    errors: dict[str, list[tuple[float, bool]]] = {}
    sizes, refused, count = [], 0, 0
    for world in worlds:
        diagnostics = WeightDiagnostics.of(world.logged)
        sizes.append(diagnostics.ess)
        count += 1
        if diagnostics.refusal():
            refused += 1
            continue
        for each, interval in _intervals(world).items():
            covered = interval.low <= world.truth <= interval.high
            errors.setdefault(each, []).append((interval.mean - world.truth, covered))
    print(
        f"{name}: effective sample size {np.median(sizes):,.0f} (median), {refused} of {count} refused", flush=True
    )
    if refused == count:
        return
    rmse = {}
    for each, found in errors.items():
        off, covers = np.asarray(found, dtype=np.float64).T
        rmse[each] = float(np.sqrt((off**2).mean()))
        share, noise = covers.mean(), 1.96 * np.sqrt(covers.mean() * (1 - covers.mean()) / len(covers))
        verdict = "met" if COVERED[0] <= share <= COVERED[1] else "missed"
        print(
            f"  {each:14} bias {off.mean():+.4f}  RMSE {rmse[each]:.4f}  "
            f"coverage {share:6.1%} ± {noise:.1%}, goal {COVERED[0]:.0%} to {COVERED[1]:.0%}: {verdict}",
            flush=True,
        )
    for other in ("snips", "snips, no clip"):
        ratio = rmse["dr"] / rmse[other]
        verdict = "met" if ratio <= MOST_RATIO else "missed"
        print(f"  RMSE of dr over that of {other}: {ratio:.2f}, goal {MOST_RATIO}: {verdict}", flush=True)


def _intervals(world: LoggedWorld) -> dict[str, Interval]:
    logged = world.logged
    found = {each: estimated(each, logged)[0] for each in ESTIMATORS}
    plain = {"snips": snips, "dr": doubly_robust}
    found |= {
        f"{name}, no clip": reader_interval(each(logged).parts, logged.reader) for name, each in plain.items()
    }
    if world.exact is not None:
        found["exact model"] = reader_interval(doubly_robust(world.exact).parts, logged.reader)
    if logged.reward.shape[1] > 1:
        found["by position"] = by_position(logged)
    return found


KINDS: dict[str, Callable[[int], LoggedWorld]] = {
    "choices, near": Choices(0.5).world,
    "choices, far": Choices(3.0).world,
    "choices, far, contexts differ": Choices(3.0, contexts=3.0).world,
    "choices, far, 20 readers": Choices(3.0, readers=20).world,
    "feeds, same scores": Feeds(0.0, 300, explore=0.4).world,
    "feeds, near": Feeds(0.1, 600).world,
    "feeds, near, clicks end visits": Feeds(0.1, 600, stops=0.7).world,
    "short feeds, far": Feeds(1.5, 1_500, positions=3, explore=0.8).world,
    "short feeds, far, clicks end visits": Feeds(1.5, 1_500, positions=3, explore=0.8, stops=0.7).world,
    "feeds, far": Feeds(1.5, 600).world,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="seed of the first world")
    given = parser.parse_args()
    for name, world in KINDS.items():
        measure(name, map(world, range(given.first, given.first + given.worlds)))


def _softmax(values: Floats) -> Floats:
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


if __name__ == "__main__":
    main()
