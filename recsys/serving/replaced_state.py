"""Engine with another state, such as one folded from the log again: its articles have other dense ids."""

from dataclasses import replace

import numpy as np

from recsys.feed.engine import FeedEngine
from recsys.state.catalog import Catalog
from recsys.state.live_state import LiveState
from recsys.state.stories import Rows


def with_state(engine: FeedEngine, state: LiveState) -> FeedEngine:
    """Return `engine` with `state`, which has no links of stories yet, in place of its own state.

    `state` must know all articles of the engine, or their vectors are lost. Vectors, links and matches of rules
    move to the new dense ids, which takes milliseconds; to find them again would take seconds. The index has ids,
    and stays.
    """
    new_rows = state.articles.lookup(engine.state.articles.strings)
    state.catalog.link(new_rows[new_rows >= 0], _moved_links(engine.state.catalog, state.catalog, new_rows))
    vectors, rules = engine.vectors.moved(new_rows), engine.rules.moved(new_rows)
    return replace(engine, state=state, vectors=vectors, rules=rules)


def _moved_links(before: Catalog, catalog: Catalog, new_rows: Rows) -> Rows:
    """Return the links of `before` whose articles `catalog` has with the same times of publication."""
    known = before.links[(new_rows[before.links] >= 0).all(axis=1)]
    moved = new_rows[known]
    same_time = np.equal(before.published[known], catalog.published[moved]).all(axis=1)
    return np.asarray(moved[same_time])
