"""Off-policy estimates against the truth: bias, RMSE, coverage of the 95% intervals, and refusals.

    python -m benchmarks.off_policy [--worlds 200]

actions: single choices among ten. Readers differ in how much they click; the log chooses by softmax with a
uniform part, and the target by a sharper softmax, near to the log or far from it. The model of rewards errs.
slates: feeds of five positions of twelve articles, with clicks by position, filled by the selection of the product
with exploration; the target has other scores, near or far. The truth is the mean, over all worlds of one kind, of
the exact expectation at each drawn position given the articles above it.

Goals: 93 to 97% of the intervals cover the truth; the RMSE of dr is at most 0.8 of that of snips; far targets on
few slates are refused. Refused worlds are left out of the other figures.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from recsys.evaluation.off_policy.clip_choice import choose_clip
from recsys.evaluation.off_policy.estimators import ESTIMATORS
from recsys.evaluation.off_policy.feed_replay import ReplayedSlate
from recsys.evaluation.off_policy.logged_outcomes import CLICKS, POSITION, LoggedOutcomes
from recsys.evaluation.off_policy.logged_rewards import LoggedRewards
from recsys.evaluation.off_policy.reader_intervals import reader_interval
from recsys.evaluation.off_policy.target_chances import slate_chances
from recsys.evaluation.off_policy.weight_diagnostics import WeightDiagnostics
from recsys.evaluation.scored_slates import Floats
from recsys.feed.selection.exploration import Exploration
from recsys.feed.selection.open_positions import SlatePlan
from recsys.feed.selection.slate_selection import fill
from recsys.simulate.truth import chance, examination

LEAST_COVER, MOST_COVER, MOST_RATIO = 0.93, 0.97, 0.8
_KINDS, _ACTIONS, _CONTEXTS = 4, 10, 20
_ARTICLES, _POSITIONS = 12, 5

Worlds = Iterator[tuple[LoggedRewards, float]]
"""Logs with the true value of the target policy."""


def context_worlds(worlds: int, far: float, readers: int) -> Worlds:
    """Yield `action_worlds` with contexts that differ much in their clicks, as readers and times do."""
    return action_worlds(worlds, far, readers, 3.0)


def action_worlds(worlds: int, far: float, readers: int, contexts: float = 0.0) -> Worlds:
    """Yield logs of single choices, ten of each of `readers`.

    far: how much sharper the target is. contexts: standard deviation of the log-odds of contexts.
    """
    spread = np.linspace(0.5, 1.5, 1_001)
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        logit = rng.normal(-1.5, 0.9, (_CONTEXTS, _ACTIONS)) + contexts * rng.normal(size=(_CONTEXTS, 1))
        log = 0.7 * _softmax(0.5 * (logit + rng.normal(size=logit.shape))) + 0.3 / _ACTIONS
        target = _softmax((0.5 + far) * (logit + rng.normal(0, 0.5, logit.shape)))
        rate = chance(logit)
        truth = (target[..., None] * np.minimum(rate[..., None] * spread, 1)).mean(axis=-1).sum(axis=1).mean()
        reader = np.repeat(np.arange(readers), 10)
        context = rng.integers(_CONTEXTS, size=len(reader))
        action = (log[context].cumsum(axis=1) > rng.random(len(reader))[:, None]).argmax(axis=1)
        own = rng.uniform(0.5, 1.5, readers)[reader]
        model = chance(logit + rng.normal(0, 0.5, logit.shape))
        yield (
            LoggedRewards(
                reward=(rng.random(len(reader)) < rate[context, action] * own).astype(np.float64),
                weight=(target / log)[context, action],
                before=np.ones(len(reader)),
                predicted=model[context, action],
                expected=(target * model)[context].sum(axis=1),
                slate=np.arange(len(reader)),
                reader=reader,
            ),
            float(truth),
        )


@dataclass(frozen=True, slots=True)
class SlateWorld:
    """Newsroom of one kind. logit [contexts, articles]: of clicks; log, target: scores by the two policies."""

    logit: Floats
    log: Floats
    target: Floats

    @classmethod
    def drawn(cls, kind: int, far: float) -> "SlateWorld":
        """Draw a newsroom; `far`: noise of the target's scores beside those of the log."""
        rng = np.random.default_rng(kind)
        logit = rng.normal(-1.5, 0.9, (_CONTEXTS, _ARTICLES))
        log = logit + rng.normal(0, 0.5, logit.shape)
        return cls(logit, log, log + rng.normal(0, far, logit.shape))

    def shown(
        self, context: int, reader: int, explore: float, rng: np.random.Generator
    ) -> tuple[ReplayedSlate, float]:
        """Return a slate with the clicks on it, and the true value of the target at its drawn positions."""
        exploration, rows = Exploration(explore), np.arange(_ARTICLES)
        made = fill(SlatePlan(np.argsort(-self.log[context]), (), _POSITIONS, exploration), rng)
        plan = SlatePlan(np.argsort(-self.target[context]), (), _POSITIONS, exploration)
        model = slate_chances(plan, made.places, rows, chance(0.8 * self.logit[context] - 0.3))
        seen = examination(np.arange(_POSITIONS))
        truth = slate_chances(plan, made.places, rows, chance(self.logit[context])).expected * seen
        clicked = rng.random(_POSITIONS) < chance(self.logit[context, made.places]) * seen
        propensities = np.asarray(made.propensities)
        slate = ReplayedSlate(
            str(reader), model, propensities, clicked.astype(np.int8), np.full(_POSITIONS, np.nan)
        )
        return slate, float(truth[propensities < 1].sum())


def slate_worlds(worlds: int, far: float, readers: int) -> Worlds:
    """Yield logs of feeds, four of each of `readers`, with a third of the positions explored."""
    for kind in range(_KINDS):
        newsroom = SlateWorld.drawn(kind, far)
        logs, truths = [], []
        for seed in range(kind, worlds, _KINDS):
            rng = np.random.default_rng((kind, seed))
            visits = np.repeat(np.arange(readers), 4)
            found = [newsroom.shown(int(rng.integers(_CONTEXTS)), each, 0.33, rng) for each in visits.tolist()]
            logs.append(LoggedOutcomes.of([slate for slate, _ in found]).logged_rewards(CLICKS, POSITION))
            truths += [truth for _, truth in found]
        yield from ((log, float(np.mean(truths))) for log in logs)


def measure(name: str, worlds: Worlds) -> None:
    """Print the figures of all estimators on `worlds`."""
    errors: dict[str, list[tuple[float, bool]]] = {each: [] for each in ESTIMATORS}
    sizes, refused, count = [], 0, 0
    for logged, truth in worlds:
        diagnostics = WeightDiagnostics.of(logged)
        sizes.append(diagnostics.ess)
        count += 1
        if diagnostics.refusal():
            refused += 1
            continue
        for each, estimator in ESTIMATORS.items():
            chosen = choose_clip(estimator, logged)
            interval = reader_interval(chosen.estimate.parts, logged.reader, chosen.squared_bias)
            errors[each].append((interval.mean - truth, interval.low <= truth <= interval.high))
    print(f"{name}: effective sample size {np.median(sizes):,.0f} (median), {refused} of {count} refused")
    if refused == count:
        return
    rmse = {}
    for each, found in errors.items():
        off, covered = np.asarray(found, dtype=np.float64).T
        rmse[each] = float(np.sqrt((off**2).mean()))
        print(
            f"  {each:10} bias {off.mean():+.4f}  RMSE {rmse[each]:.4f}  coverage {covered.mean():6.1%}",
            flush=True,
        )
    ratio = rmse["dr"] / rmse["snips"]
    print(f"  RMSE of dr over snips {ratio:.2f}, goal {MOST_RATIO}: {'met' if ratio <= MOST_RATIO else 'missed'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=200)
    given = parser.parse_args()
    kinds: list[tuple[str, Callable[[int, float, int], Worlds], float, int]] = [
        ("actions, near", action_worlds, 0.5, 200),
        ("actions, far", action_worlds, 3.0, 200),
        ("actions, far, other contexts", context_worlds, 3.0, 200),
        ("actions, far, few readers", action_worlds, 3.0, 20),
        ("slates, near", slate_worlds, 0.3, 150),
        ("slates, far", slate_worlds, 1.5, 150),
        ("slates, far, few readers", slate_worlds, 1.5, 20),
    ]
    for name, worlds, far, readers in kinds:
        measure(name, worlds(given.worlds, far, readers))


def _softmax(values: Floats) -> Floats:
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


if __name__ == "__main__":
    main()
