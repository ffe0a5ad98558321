"""Cost of all features of one request: 300 candidates, 50 reads, 20,000 articles.

    python -m benchmarks.features [--candidates 300] [--reads 50] [--articles 20000]

Vectors are random, because their values do not affect the time. The feed engine prepares the request; features are
timed by family, all together, and with all earlier stages of the engine.
"""

import argparse

import numpy as np

from benchmarks.timing import best_seconds
from recsys.domain import HistoryItem, RankRequest
from recsys.feed.engine import FeedEngine
from recsys.projection.vector_table import VectorTable
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import FeatureInput
from recsys.simulate.world import World, simulate
from recsys.state.live_state import LiveState

GOAL_MS = 1.0
_DIM = 384
_REPEATS = 1_000


def engine_of(world: World) -> FeedEngine:
    """Return an engine with the whole log folded."""
    state = LiveState()
    state.upsert_articles(world.articles)
    slates = world.slates.sort("known_at", "id")
    state.apply(state.encode(world.events.sort("known_at", "id"), slates))
    vectors = np.random.default_rng(7).normal(size=(world.articles.height, _DIM)).astype(np.float32)
    table = VectorTable()
    rows = state.rows_of(world.articles["id"].to_list())
    table.put(rows, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return FeedEngine(state=state, vectors=table)


def request_of(world: World, as_of: int, candidates: int, reads: int) -> RankRequest:
    """Return a request of the first reader, with a history in the request."""
    rng = np.random.default_rng(7)
    ids = world.articles["id"].to_list()
    history = tuple(HistoryItem(str(name), 30.0) for name in rng.choice(ids, reads))
    return RankRequest(
        request_id="q",
        as_of=as_of,
        candidates=tuple(rng.choice(ids, candidates).tolist()),
        reader=world.readers.ids[0],
        history=history,
    )


def main() -> None:
    """Print the table and the ratio to the goal."""
    parser = argparse.ArgumentParser(description="features of one request")
    parser.add_argument("--candidates", type=int, default=300)
    parser.add_argument("--reads", type=int, default=50)
    parser.add_argument("--articles", type=int, default=20_000)
    given = parser.parse_args()
    world = simulate(readers=300, articles=given.articles, days=3)
    engine = engine_of(world)
    request = request_of(world, engine.state.known_at + 1, given.candidates, given.reads)
    inputs = FeatureInput(engine.state, *engine.prepare(request))
    print(f"{given.candidates} candidates, {given.reads} reads, {given.articles:,} articles")
    print(f"{'':26} {'columns':>8} {'ms':>8}")
    for family in ALL_FEATURES.families:
        spent = best_seconds(lambda compute=family.compute: compute(inputs), _REPEATS)  # type: ignore[misc]
        print(f"{family.name:26} {len(family.names):8} {spent * 1e3:8.3f}")
    features = best_seconds(lambda: ALL_FEATURES.compute(inputs), _REPEATS) * 1e3
    print(f"{'all features':26} {len(ALL_FEATURES.names):8} {features:8.3f}")
    prepared = best_seconds(lambda: engine.prepare(request), _REPEATS) * 1e3
    print(f"{'with history and interest':26} {'':8} {prepared:8.3f}")
    print(f"all features {features / GOAL_MS:.2f}× the time allowed ({GOAL_MS:.0f} ms)")


if __name__ == "__main__":
    main()
