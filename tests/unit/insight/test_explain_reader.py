import numpy as np
import pytest

from recsys.domain import RankRequest
from recsys.feed.engine import FeedEngine
from recsys.insight.explain_reader import explain_reader
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import align_vectors, ensure_vectors
from recsys.user_model.content_matcher import ContentMatcher
from tests.trained import HashEncoder, Place, world


@pytest.fixture
def engine(trained: Place) -> FeedEngine:
    """At the end of the small world, before anything was trained."""
    database = trained.open()
    with database.read() as connection, Replay(connection) as log:
        state = log.advance(2**62)
        vectors = align_vectors(state, log.articles, ensure_vectors(database, HashEncoder(), log.articles))
    database.close()
    return FeedEngine(state=state, vectors=vectors)


def requested(engine: FeedEngine, *candidates: str, reader: str = "r00003") -> RankRequest:
    return RankRequest(request_id="q", as_of=engine.state.known_at + 1, candidates=candidates, reader=reader)


def test_a_read_is_shown_with_its_dwell_and_what_the_score_loses_without_it(engine: FeedEngine) -> None:
    ids = world().articles["id"].to_list()[-4:]
    request = requested(engine, *ids)
    reported, (query, _) = explain_reader(engine, request), engine.prepare(request)
    assert reported["noise"] == query.reads.noise
    assert [candidate["id"] for candidate in reported["candidates"]] != []
    scores = [candidate["score"] for candidate in reported["candidates"]]
    assert scores == sorted(scores, reverse=True)
    history, reads = query.history, query.reads
    best = reported["candidates"][0]
    vector = engine.vectors.take(engine.state.rows_of([best["id"]]))
    by_article = {engine.state.articles.strings[row]: place for place, row in enumerate(history.article)}
    for read in best["reads"]:
        place = by_article[read["id"]]
        without = ContentMatcher().match(reads.without(place), vector, 0).scores[0]
        assert read["fall"] == pytest.approx(best["score"] - without, abs=1e-6)
        assert read["quantile"] == pytest.approx(reads.quantile[place], nan_ok=True)
        assert read["gradient"] is None
        assert read["outcome"] in ("important", "unimportant", None)


def test_articles_without_a_vector_or_reads_are_left_out(engine: FeedEngine) -> None:
    known = world().articles["id"][0]
    assert [c["id"] for c in explain_reader(engine, requested(engine, "unknown", known))["candidates"]] == [known]
    assert explain_reader(engine, requested(engine, known, reader="nobody"))["candidates"] == []
    assert explain_reader(engine, requested(engine))["candidates"] == []
    assert np.isfinite(explain_reader(engine, requested(engine))["noise"])
