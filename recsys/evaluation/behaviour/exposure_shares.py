"""Exposure of categories and sources against what readers open: shares of the first places and of the clicks."""

from collections.abc import Mapping, Sequence

import numpy as np

from recsys.evaluation.behaviour.behaviour_check import BehaviourCheck, passing
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.scored_slates import Floats, Ints
from recsys.evaluation.systems import FULL_SYSTEM

TOP, LEAST_CLICKS, REPORTED = 5, 30, 8


def exposure_checks(
    replayed: ReplayScores, names: Mapping[str, Sequence[str]], limit: float
) -> list[BehaviourCheck]:
    """Return the check of each kind of group; names: of the groups, by kind."""
    kinds = {"categories": replayed.categories, "sources": replayed.sources}
    return [
        _check(replayed, kind, groups, names.get(kind, ()), limit)
        for kind, groups in kinds.items()
        if groups is not None
    ]


def _check(replayed: ReplayScores, kind: str, groups: Ints, names: Sequence[str], limit: float) -> BehaviourCheck:
    slates = replayed.as_served(FULL_SYSTEM)
    count = int(groups.max(initial=-1)) + 1
    opened = groups[slates.clicked & (groups >= 0)]
    if count < 2 or len(opened) < LEAST_CLICKS:
        why = f"Fewer than two {kind} of articles, or than {LEAST_CLICKS} opened articles with one."
        return BehaviourCheck.unknown(kind, limit, why)
    shown = groups[(slates.ranks <= TOP) & (groups >= 0)]
    shares = [np.bincount(each, minlength=count) / max(len(each), 1) for each in (shown, opened)]
    gap = shares[0] - shares[1]
    shift = float(np.abs(gap).sum() / 2)
    sentence = (
        f"{shift:.0%} of the first {TOP} places would have to go to other {kind} to match what readers open "
        f"(at most {limit:.0%}){_largest(gap, names)}."
    )
    largest = np.argsort(-np.abs(gap), kind="stable")[:REPORTED]
    parts = {
        _name(names, group): {"shown": float(shares[0][group]), "opened": float(shares[1][group])}
        for group in largest.tolist()
    }
    return BehaviourCheck(kind, shift, limit, passing(shift <= limit), sentence, parts)


def _largest(gap: Floats, names: Sequence[str]) -> str:
    group = int(np.abs(gap).argmax())
    return f"; most of all {_name(names, group)}, shown {'too much' if gap[group] > 0 else 'too little'}"


def _name(names: Sequence[str], group: int) -> str:
    return names[group] if group < len(names) else f"number {group}"
