"""Ranking for groups of readers against that for the others: new ones, and those with a rare main category."""

import numpy as np

from recsys.constants import NEW_READER
from recsys.evaluation import metrics
from recsys.evaluation.behaviour.behaviour_check import BehaviourCheck, passing
from recsys.evaluation.bootstrap import intervals
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.scored_slates import Bools, Floats, Ints
from recsys.evaluation.systems import FULL_SYSTEM

LEAST_SLATES = 30
RARE_SHARE = 0.2
"""Largest share of the lists that readers with rare categories have together."""


def reader_checks(replayed: ReplayScores, limit: float) -> list[BehaviourCheck]:
    """Return how much lower the AUC of each group is than that of the other readers with history."""
    known = replayed.history >= NEW_READER
    rare = rare_interests(replayed.mix, known)
    auc = metrics.auc(replayed.slates(FULL_SYSTEM))
    groups = {"new readers": (~known, known), "readers with rare interests": (rare, known & ~rare)}
    return [_check(name, auc, replayed.readers, of, limit) for name, of in groups.items()]


def rare_interests(mix: Floats, known: Bools) -> Bools:
    """Return the slates [S] of readers whose main category is among the rarest; mix: reads by category [S, T]."""
    known = known & (mix.sum(axis=1) > 0)
    main = mix.argmax(axis=1) if mix.shape[1] else np.zeros(len(mix), dtype=np.int64)
    counts = np.bincount(main[known], minlength=max(mix.shape[1], 1))
    order = np.argsort(counts, kind="stable")
    rarest = order[np.cumsum(counts[order]) <= RARE_SHARE * counts.sum()]
    return np.asarray(known & np.isin(main, rarest))


def _check(name: str, auc: Floats, readers: Ints, of: tuple[Bools, Bools], limit: float) -> BehaviourCheck:
    """Return the check of the slates [S] of a group against those of others, the masks `of`."""
    group, others = of
    counts = [int((mask & ~np.isnan(auc)).sum()) for mask in (group, others)]
    if min(counts) < LEAST_SLATES:
        return BehaviourCheck.unknown(name, limit, f"Fewer than {LEAST_SLATES} lists of {name}, or of the others.")
    found = intervals({"group": np.where(group, auc, np.nan), "others": np.where(others, auc, np.nan)}, readers)
    own, rest = found["group"], found["others"]
    sentence = (
        f"For {name}, an opened article stands above another one in {own.mean:.0%} of the cases, "
        f"for other readers in {rest.mean:.0%} (at most {limit:.0%} less)."
    )
    # a failure needs the whole interval: groups are small
    verdict = passing(own.high >= rest.mean - limit)
    parts = {"auc": own.mean, "low": own.low, "high": own.high, "others": rest.mean, "lists": counts[0]}
    return BehaviourCheck(name, rest.mean - own.mean, limit, verdict, sentence, parts)
