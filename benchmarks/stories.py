"""Stories found among articles of which a third are copies or reports from a wire service.

    python -m benchmarks.stories [--articles 900] [--days 6]

Simulated articles, with the vectors of the encoder in the settings, before any training. Copies have other ids and
sources, and come within twelve hours: with a tracked address, with another beginning or end of the title, or with
the sentences of the summary in another order. Prints precision, recall and F1 by B-cubed (Bagga and Baldwin 1998),
the articles linked a second without their encoding, and how often a feed of twenty shows a story twice. Goals: F1
0.9, 500 articles a second, no story twice.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import FeedRequest
from recsys.encoder.article_text import article_texts
from recsys.encoder.field_concat import article_vectors
from recsys.encoder.lazy import LazyEncoder
from recsys.feed.engine import FeedEngine
from recsys.index.exact_index import ExactIndex
from recsys.projection.vector_table import VectorTable, put_vectors
from recsys.settings import load_settings
from recsys.simulate.world import simulate
from recsys.state.live_state import LiveState

F1, SPEED, FEED = 0.9, 500, 20

_SOON = 12 * 3_600_000_000
_SOURCES = ("Harbour Press", "Valley News", "Metro Report")

Rewrite = Callable[[dict[str, object]], dict[str, object]]


def _tracked(row: dict[str, object]) -> dict[str, object]:
    return {"url": f"{row['url']}?utm_source=partner"}


def _announced(row: dict[str, object]) -> dict[str, object]:
    return {"url": None, "title": f"Exclusive: {row['title']}"}


def _explained(row: dict[str, object]) -> dict[str, object]:
    return {"url": None, "title": f"{row['title']}: what we know so far"}


def _reordered(row: dict[str, object]) -> dict[str, object]:
    first, _, remainder = str(row["abstract"]).partition(". ")
    return {"url": None, "title": f"{row['title']} - Newswire", "abstract": f"{remainder} {first}.".strip()}


_REWRITES: tuple[Rewrite, ...] = (_tracked, _announced, _explained, _reordered)


def with_copies(articles: pl.DataFrame, share: float, rng: np.random.Generator) -> tuple[pl.DataFrame, list[str]]:
    """Return the articles and their copies, and the id of the original of each; `share` of all are copies."""
    rows = articles.unique("title", keep="first", maintain_order=True).to_dicts()
    originals = [row["id"] for row in rows]
    for number in range(int(len(rows) * share / (1 - share))):
        row = rows[int(rng.integers(len(originals)))]
        changes = _REWRITES[number % len(_REWRITES)](row)
        late = row["published_at"] + int(rng.integers(_SOON))
        source = _SOURCES[number % len(_SOURCES)]
        rows.append({**row, "id": f"copy{number}", "source": source, "published_at": late, **changes})
        originals.append(row["id"])
    return pl.DataFrame(rows, schema=articles.schema), originals


def b_cubed(found: NDArray[np.int64], truth: NDArray[np.int64]) -> tuple[float, float]:
    """Return precision and recall of a grouping [n], means over articles."""
    same_found, same_truth = found[:, None] == found, truth[:, None] == truth
    both = (same_found & same_truth).sum(axis=1)
    return float((both / same_found.sum(axis=1)).mean()), float((both / same_truth.sum(axis=1)).mean())


def repeated(state: LiveState, table: VectorTable, ids: list[str], truth: dict[str, str], readers: int) -> int:
    """Return the number of feeds, of `readers` new readers, that show a story twice."""
    index = ExactIndex(table.matrix.shape[1])
    index.add(ids, table.take(state.articles.lookup(ids)))
    engine = FeedEngine(state=state, vectors=table, index=index)
    now = int(state.catalog.published[state.articles.lookup(ids)].max()) + 1
    twice = 0
    for reader in range(readers):
        request = FeedRequest(request_id=f"q{reader}", as_of=now, reader=f"r{reader}", limit=FEED)
        stories = [truth[item.id] for item in engine.recommend(request).ranking.items]
        twice += len(set(stories)) < len(stories)
    return twice


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="stories among copies and wire reports")
    for name, default in (("articles", 900), ("days", 6)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    world = simulate(20, given.articles, given.days)
    articles, originals = with_copies(world.articles, 1 / 3, np.random.default_rng(7))
    vectors = article_vectors(LazyEncoder(load_settings()).loaded(), article_texts(articles))
    state, table = LiveState(), VectorTable()
    state.upsert_articles(articles)
    ids = articles["id"].to_list()
    rows = state.articles.lookup(ids)
    began = time.perf_counter()
    put_vectors(state, table, rows, vectors)
    stories = state.catalog.stories()
    speed = len(ids) / (time.perf_counter() - began)
    truth = np.unique(originals, return_inverse=True)[1].astype(np.int64)
    precision, recall = b_cubed(stories.of[rows], truth)
    f1 = 2 * precision * recall / (precision + recall)
    twice = repeated(state, table, ids, dict(zip(ids, originals, strict=True)), 200)
    print(f"{len(ids)} articles, {len(ids) - len(set(originals))} of them copies")
    print(f"precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}; goal {F1}: {_verdict(f1 >= F1)}")
    print(f"{speed:,.0f} articles/s linked; goal {SPEED}: {_verdict(speed >= SPEED)}")
    print(f"{twice} of 200 feeds of {FEED} show a story twice; goal 0: {_verdict(not twice)}")


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


if __name__ == "__main__":
    main()
