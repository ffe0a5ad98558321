"""Engine with another state, such as one folded from the log again: its articles have other dense ids."""

from dataclasses import replace

from recsys.feed.engine import FeedEngine
from recsys.state.live_state import LiveState


def with_state(engine: FeedEngine, state: LiveState) -> FeedEngine:
    """Return `engine` with `state`, which has no links of stories yet, in place of its own state.

    `state` must know all articles of the engine, or their vectors are lost. Vectors, links and matches of rules
    move to the new dense ids, which takes milliseconds; to find them again would take seconds. The index has ids,
    and stays.
    """
    new_rows = state.articles.lookup(engine.state.articles.strings)
    state.catalog.take_links(engine.state.catalog, new_rows)
    vectors, rules = engine.vectors.moved(new_rows), engine.rules.moved(new_rows)
    return replace(engine, state=state, vectors=vectors, rules=rules)
