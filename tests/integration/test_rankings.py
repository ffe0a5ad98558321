"""A trained system scores candidates independently of each other and of their order."""

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.stats import spearmanr

from recsys.domain import FeedRequest, RankRequest
from recsys.feed.engine import MAX_SLATE, FeedEngine
from recsys.feed.point_in_time import engine_at
from recsys.ranking.query import FloatArray
from tests.trained import HashEncoder, Place, last_day, world


@pytest.fixture(scope="module")
def engine(trained: Place) -> Iterator[FeedEngine]:
    database = trained.open()
    yield engine_at(database, trained.settings, HashEncoder(), last_day())
    database.close()


def slates(count: int = 30) -> list[tuple[str, list[str]]]:
    """Readers with what they were shown last."""
    shown = world().slates.sort("at", descending=True).head(count)
    return list(zip(shown["reader"].to_list(), shown["candidates"].to_list(), strict=True))


def scored(engine: FeedEngine, reader: str, candidates: list[str]) -> dict[str, float]:
    ranking = engine.rank(
        RankRequest(request_id="q", as_of=last_day(), candidates=tuple(candidates), reader=reader)
    )
    return {item.id: item.score for item in ranking.items}


def features_of(engine: FeedEngine, request: RankRequest) -> FloatArray:
    _, candidates = engine.prepare(request)
    assert candidates.features is not None
    return candidates.features


def test_a_shuffled_slate_gets_the_same_scores(engine: FeedEngine) -> None:
    rng = np.random.default_rng(1)
    for reader, candidates in slates():
        shuffled = [candidates[place] for place in rng.permutation(len(candidates))]
        assert scored(engine, reader, shuffled) == pytest.approx(scored(engine, reader, candidates), abs=1e-5)


def test_among_many_a_score_is_that_of_the_article_alone(engine: FeedEngine) -> None:
    everything = world().articles["id"].to_list()
    assert len(everything) > MAX_SLATE
    ranker = engine.models.pointwise
    for reader, candidates in slates():
        among_all = scored(engine, reader, everything)
        alone = ranker.score(
            features_of(
                engine, RankRequest(request_id="q", as_of=last_day(), candidates=tuple(candidates), reader=reader)
            )
        )
        assert [among_all[id_] for id_ in candidates] == pytest.approx(alone.tolist(), abs=1e-5)


def test_a_slate_keeps_its_order_and_its_winner_among_many(engine: FeedEngine) -> None:
    everything = world().articles["id"].to_list()
    orders, winners = [], []
    for reader, candidates in slates(300):
        alone, among_all = scored(engine, reader, candidates), scored(engine, reader, everything)
        orders.append(
            spearmanr([alone[id_] for id_ in candidates], [among_all[id_] for id_ in candidates]).statistic
        )
        winners.append(max(alone, key=alone.__getitem__) == max(candidates, key=among_all.__getitem__))
    assert len(orders) > 250
    assert np.mean(orders) >= 0.95
    assert np.mean(winners) >= 0.9


def test_a_feed_scores_each_article_alone_too(engine: FeedEngine) -> None:
    ranker = engine.models.feed
    for reader, _ in slates(5):
        slate = engine.recommend(FeedRequest(request_id="q", as_of=last_day(), reader=reader, limit=10))
        found = {item.id: item.score for item in slate.ranking.items}
        found |= dict(zip(slate.remaining.ids, slate.remaining.scores, strict=True))
        for id_ in list(found)[:20]:
            alone = ranker.score(
                features_of(
                    engine, RankRequest(request_id="q", as_of=last_day(), candidates=(id_,), reader=reader)
                )
            )
            assert found[id_] == pytest.approx(float(alone[0]), abs=1e-5)
