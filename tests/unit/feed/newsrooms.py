"""A newsroom in memory: articles, what readers did, and an engine over both."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from recsys.domain import DAY, HOUR, MINUTE, Article, Event, EventKind, Slate
from recsys.encoder.article_text import article_texts
from recsys.feed.engine import FeedEngine
from recsys.feed.retrieval import FeedLimits
from recsys.frames import articles_frame, events_frame, slates_frame
from recsys.index.exact_index import ExactIndex
from recsys.projection.vector_table import align_vectors
from recsys.ranking.ranker import Ranker
from recsys.state.live_state import LiveState
from tests.hashed import hashed

NOW = 20_000 * DAY
CATEGORIES = ("sport", "world", "culture", "money")


def papers(count: int = 40, **changes: Any) -> list[Article]:
    """Articles a000, a001, …, one an hour, the newest an hour old, categories in turn."""
    return [
        Article(
            **{
                "id": f"a{i:03}",
                "title": f"Title {i}",
                "abstract": f"who{i} what{i} where{i} when{i}",  # without it, all of a category tell one event
                "category": CATEGORIES[i % len(CATEGORIES)],
                "published_at": NOW - (count - i) * HOUR,
                "word_count": 200,
                **changes,
            }
        )
        for i in range(count)
    ]


def did(reader: str, kind: EventKind, article: str, ago: int = HOUR, value: float | None = None) -> Event:
    """Something `reader` did `ago` microseconds before NOW."""
    at = NOW - ago
    return Event(
        id=f"{reader}-{kind}-{article}-{ago}",
        reader=reader,
        kind=kind,
        at=at,
        known_at=at,
        article=article,
        value=value,
    )


def read(reader: str, article: str, ago: int = HOUR, seconds: float = 60.0) -> list[Event]:
    """A click, and a minute later what came of it."""
    return [
        did(reader, EventKind.CLICK, article, ago + MINUTE),
        did(reader, EventKind.READ, article, ago, seconds),
        did(reader, EventKind.SCROLL, article, ago - 1, 95.0),
    ]


def shown(reader: str, *articles: str, ago: int = HOUR) -> Slate:
    at = NOW - ago
    return Slate(id=f"slate-{reader}-{ago}", reader=reader, at=at, known_at=at, candidates=articles)


def folded(articles: Sequence[Article], events: Iterable[Event] = (), slates: Iterable[Slate] = ()) -> LiveState:
    state = LiveState()
    state.upsert_articles(articles_frame(articles))
    reported = events_frame(events).sort("known_at", "id")
    state.apply(state.encode(reported, slates_frame(slates).sort("known_at", "id")))
    return state


def engine(
    articles: Sequence[Article],
    events: Iterable[Event] = (),
    slates: Iterable[Slate] = (),
    pool: int = 300,
    max_age_days: float | None = None,
    **changes: Any,
) -> FeedEngine:
    """The untrained engine, with an exact index of all articles."""
    state, frame = folded(articles, events, slates), articles_frame(articles)
    vectors = hashed(article_texts(frame))
    index = ExactIndex(vectors.shape[1])
    index.add(frame["id"].to_list(), vectors)
    return FeedEngine(
        state=state,
        vectors=align_vectors(state, frame, vectors),
        limits=FeedLimits(pool, max_age_days),
        **{"index": index, **changes},
    )


def with_models(of: FeedEngine, **models: Any) -> FeedEngine:
    """The same engine with some of its models replaced."""
    return dataclasses.replace(of, models=dataclasses.replace(of.models, **models))


def with_ranker(of: FeedEngine, ranker: Ranker) -> FeedEngine:
    """The same engine, which ranks everything by `ranker`."""
    return with_models(of, listwise=ranker, pointwise=ranker, feed=ranker)
