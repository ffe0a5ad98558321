"""Engine with another state, such as one folded from the log again: its articles have other dense ids."""

from dataclasses import replace

import numpy as np

from recsys.feed.engine import FeedEngine
from recsys.state.catalog import Catalog
from recsys.state.live_state import LiveState
from recsys.state.stories import Rows


def with_state(engine: FeedEngine, state: LiveState) -> FeedEngine:
    """Return `engine` with `state`, which has no links of stories yet, in place of its own state.

    Vectors, links and matches of rules move to the new dense ids, which takes milliseconds; to find them again
    would take seconds. The index has ids, and stays.
    """
    places = state.articles.lookup(engine.state.articles.strings)
    state.catalog.link(places[places >= 0], _moved_links(engine.state.catalog, state.catalog, places))
    return replace(engine, state=state, vectors=engine.vectors.moved(places), rules=engine.rules.moved(places))


def _moved_links(before: Catalog, catalog: Catalog, places: Rows) -> Rows:
    """Return the links of `before` whose articles `catalog` has with the same times of publication."""
    known = before.links[(places[before.links] >= 0).all(axis=1)]
    moved = places[known]
    same_time = np.equal(before.published[known], catalog.published[moved]).all(axis=1)
    return np.asarray(moved[same_time])
