"""Evaluation by replay: impressions per second in total, compared with only folding the log.

    python -m benchmarks.replay [--readers 300] [--articles 1500]

The replay folds the log, computes all features of every slate and scores it with every system; the floor only
folds. Vectors are random: `benchmarks.encode` measures the encoder.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.newsroom import stored
from recsys.cpu_threads import cpu_threads
from recsys.encoder.article_text import ArticleText
from recsys.encoder.protocols import Encoded
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.evaluation.replay import replay
from recsys.evaluation.systems import FULL_SYSTEM, systems
from recsys.feed.engine import FeedEngine
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import align_vectors, ensure_vectors
from recsys.ranking.ranker import HeuristicRanker
from recsys.simulate.world import simulate
from recsys.store import articles
from recsys.store.database import Database
from recsys.store.event_log_reader import slate_span

GOAL = 400.0


class RandomEncoder:
    """Encoder of random unit vectors."""

    name = "random"

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        """Return unit vectors [n, 1152]."""
        drawn = np.random.default_rng(7).normal(size=(len(texts), 1152)).astype(np.float32)
        return Encoded({self.name: np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))})


def fold_only(database: Database) -> float:
    """Return the seconds to fold the whole log."""
    started = time.perf_counter()
    with database.read() as connection, Replay(connection) as past:
        past.advance(2**62)
    return time.perf_counter() - started


def evaluate_all(database: Database) -> tuple[int, float]:
    """Return the number of impressions, and the seconds to label, fold, rank and score them."""
    with database.read() as connection:
        catalogue, _ = articles.upserted_since(connection, 0)
    vectors = ensure_vectors(database, RandomEncoder(), catalogue)
    started = time.perf_counter()
    with database.read() as connection:
        first, last = slate_span(connection) or (0, 0)
        labelled_requests = load_labelled_requests(connection, first, last + 1, catalogue, last + 1)
        with Replay(connection) as past:
            engine = FeedEngine(state=past.state, vectors=align_vectors(past.state, catalogue, vectors))
            answers = replay(engine, past, labelled_requests, systems({FULL_SYSTEM: HeuristicRanker()}))
    return len(answers), time.perf_counter() - started


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=300)
    parser.add_argument("--articles", type=int, default=1_500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = simulate(readers=options.readers, articles=options.articles, days=7)
        database = stored(world, f"sqlite:///{folder}/attune.db")
        floor = fold_only(database)
        with cpu_threads(1):  # as `attune evaluate` does
            impressions, seconds = evaluate_all(database)
        database.close()
    rate = impressions / seconds
    print(f"{'impressions':<24}{impressions:>10,}")
    print(f"{'fold only':<24}{floor:>10.2f} s")
    print(f"{'replay, seven systems':<24}{seconds:>10.2f} s   {rate:,.0f} impressions/s (goal {GOAL:.0f})")
    print(f"{'ratio to the fold':<24}{seconds / floor:>10.1f} ×")


if __name__ == "__main__":
    main()
