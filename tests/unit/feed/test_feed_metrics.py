"""Metrics of feeds: their stages, and the sources of candidates and of shown articles."""

import pytest

from recsys.domain import FeedRequest, RankRequest
from recsys.feed.engine import FeedEngine
from recsys.feed.feed_metrics import EDIT, EXPLAIN, FEATURES, RETRIEVE, SCORE, SELECT, STAGES, FeedMetrics
from recsys.feed.retrieval import SOURCES
from tests.unit.feed.newsrooms import NOW, engine, papers, read


def stage_counts(metrics: FeedMetrics) -> dict[str, int]:
    return {
        stage: int(metrics.registry.get_sample_value("attune_feed_stage_seconds_count", {"stage": stage}) or 0)
        for stage in STAGES
    }


def by_source(of: FeedEngine, name: str) -> int:
    samples = (of.metrics.registry.get_sample_value(name, {"source": source}) for source in SOURCES)
    return int(sum(sample or 0 for sample in samples))


def test_a_stage_that_fails_is_counted_too() -> None:
    metrics = FeedMetrics()
    with pytest.raises(ZeroDivisionError), metrics.timed(RETRIEVE):
        _ = 1 / 0
    assert stage_counts(metrics) == {**dict.fromkeys(STAGES, 0), RETRIEVE: 1}


def test_a_feed_counts_its_stages_and_sources_and_a_ranking_counts_none() -> None:
    of = engine(papers(100), read("r", "a003"), pool=20)
    of.rank(RankRequest(request_id="request", as_of=NOW, candidates=("a001", "a002"), reader="r"))
    assert not by_source(of, "attune_feed_candidates_total")
    first = of.recommend(FeedRequest(request_id="one", as_of=NOW, reader="r", limit=5))
    of.recommend(FeedRequest(request_id="two", as_of=NOW + 1, reader="r", limit=5), first.remaining)
    expected = {RETRIEVE: 1, FEATURES: 1, SCORE: 1, EDIT: 2, SELECT: 2, EXPLAIN: 2}
    assert stage_counts(of.metrics) == {**dict.fromkeys(STAGES, 0), **expected}
    candidates = by_source(of, "attune_feed_candidates_total")
    assert candidates == len(first.ranking.items) + len(first.remaining) == 20
    assert by_source(of, "attune_feed_shown_total") == 10
