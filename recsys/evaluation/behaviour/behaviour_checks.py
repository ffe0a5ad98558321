"""All checks of behaviour on replayed slates."""

from collections.abc import Mapping, Sequence
from typing import Any

from recsys.evaluation.behaviour.behaviour_check import BehaviourLimits
from recsys.evaluation.behaviour.damaged_headlines import DamagedOrders
from recsys.evaluation.behaviour.exposure_shares import exposure_checks
from recsys.evaluation.behaviour.perturbed_reads import PerturbedOrders
from recsys.evaluation.behaviour.reader_groups import reader_checks
from recsys.evaluation.behaviour.shown_popularity import popularity_check
from recsys.evaluation.replay import ReplayScores
from recsys.ranking.ranker import Ranker
from recsys.state.live_state import LiveState


def group_names(state: LiveState) -> Mapping[str, Sequence[str]]:
    """Return the names of categories and sources, by kind of group."""
    return {"categories": tuple(state.catalog.categories.strings), "sources": tuple(state.catalog.sources.strings)}


def behaviour(
    replayed: ReplayScores,
    perturbed: PerturbedOrders,
    ranker: Ranker,
    names: Mapping[str, Sequence[str]],
    limits: BehaviourLimits,
    damaged: DamagedOrders | None = None,
) -> list[dict[str, Any]]:
    """Return the checks of the full system of `replayed` as a JSON array.

    perturbed, damaged: by the watchers of the replay; ranker: of the full system; names: of groups of articles.
    """
    checks = [
        perturbed.check(ranker, limits.stability),
        *([] if damaged is None else [damaged.check(ranker, limits.stability)]),
        popularity_check(replayed, limits.popularity),
        *reader_checks(replayed, limits.loss),
        *exposure_checks(replayed, names, limits.shift),
    ]
    return [check.as_dict() for check in checks]
