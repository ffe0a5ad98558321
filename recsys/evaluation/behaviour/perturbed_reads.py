"""Orders of slates on changed histories: a read missing, a read twice, two reads of one time in the other order.

No such change says anything new of a reader, so a slate should keep its order. The changed histories go through
the engine like those that a caller sends with a request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from recsys.domain import HistoryItem
from recsys.evaluation.behaviour.behaviour_check import BehaviourCheck, passing
from recsys.evaluation.behaviour.compared_orders import ComparedOrders
from recsys.evaluation.labelled_slates import LabelledRequest
from recsys.evaluation.scored_slates import Floats
from recsys.feed.engine import FeedEngine
from recsys.ranking.query import Candidates, Query
from recsys.ranking.ranker import Ranker
from recsys.state.histories import History

NAME = "changed histories"
MOST_SLATES, LEAST_SLATES = 50, 10
LEAST_READS = 4
"""Reads of a reader before the change; a missing read out of fewer is no small change."""

Items = tuple[HistoryItem, ...]


@dataclass(frozen=True, slots=True)
class PerturbedOrders:
    """Orders of slates on changed histories, by change."""

    by_change: dict[str, ComparedOrders] = field(default_factory=dict)

    def then(self, later: "PerturbedOrders") -> "PerturbedOrders":
        """Return these slates and `later` ones."""
        names = self.by_change | later.by_change
        none = ComparedOrders()
        return PerturbedOrders(
            {name: self.by_change.get(name, none).then(later.by_change.get(name, none)) for name in names}
        )

    def check(self, ranker: Ranker, limit: float) -> BehaviourCheck:
        """Return the least agreement over the changes, by the scores of `ranker`."""
        slates = max((len(each) for each in self.by_change.values()), default=0)
        if slates < LEAST_SLATES:
            return BehaviourCheck.unknown(NAME, limit, f"Fewer than {LEAST_SLATES} lists of readers with history.")
        found = {name: orders.agreement(ranker) for name, orders in self.by_change.items()}
        least = min(found, key=lambda name: found[name])
        agreed = found[least]
        sentence = f"With {least}, lists keep their order to {agreed:.2f} (1: the same order; at least {limit:g})."
        parts = {**found, "lists": slates}
        return BehaviourCheck(NAME, agreed, limit, passing(agreed >= limit), sentence, parts)


class PerturbedReads:
    """Watcher of a replay: it prepares some of its slates again, with changed histories.

    Args:
        engine: engine of the replay.
        slates: number of slates in all.
        first: number of slates before the first one that is added.

    Attributes:
        orders: the orders so far.
    """

    def __init__(self, engine: FeedEngine, slates: int, first: int = 0) -> None:
        self.orders = PerturbedOrders()
        self._engine = engine
        self._step = max(-(-slates // MOST_SLATES), 1)
        self._seen = first

    def add(self, labelled_request: LabelledRequest, query: Query, candidates: Candidates) -> None:
        """Prepare one slate; the state of the engine must be that of its time."""
        # all slates are counted: a segment of a replay does not know which of the earlier ones had a history
        self._seen += 1
        if self._seen % self._step or len(query.history) < LEAST_READS or len(candidates) < 2:
            return
        prepared: dict[Items, Floats] = {}
        for name, pair in changes(_items(self._engine, query.history)).items():
            for items in pair:
                if items not in prepared:
                    request = replace(labelled_request.request, history=items)
                    features = self._engine.prepare(request)[1].features
                    assert features is not None
                    prepared[items] = features
            orders = self.orders.by_change.setdefault(name, ComparedOrders())
            orders.add(prepared[pair[0]], prepared[pair[1]])


def changes(items: Items) -> Mapping[str, tuple[Items, Items]]:
    """Return the histories before and after each change of `items`, oldest first."""
    middle = len(items) // 2
    at = items[-2].at
    together = [replace(item, at=at) for item in items[-2:]]
    return {
        "one read missing": (items, items[:middle] + items[middle + 1 :]),
        "the newest read twice": (items, (*items, items[-1])),
        "two reads of one time in the other order": (
            (*items[:-2], *together),
            (*items[:-2], *_reversed(together)),
        ),
    }


def _reversed(items: Sequence[HistoryItem]) -> Items:
    return tuple(reversed(items))


def _items(engine: FeedEngine, history: History) -> Items:
    names = engine.state.articles.strings
    rows = zip(history.article.tolist(), history.seconds.tolist(), history.opened.tolist(), strict=True)
    return tuple(
        HistoryItem(names[article], None if np.isnan(seconds) else seconds, opened)
        for article, seconds, opened in rows
    )
