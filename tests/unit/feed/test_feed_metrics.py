"""What feeds are counted by: their stages, and the sources of what they show."""

import pytest

from recsys.domain import FeedRequest, RankRequest
from recsys.feed.feed_metrics import BOUNDS, COMPOSE, EXPLAIN, FEATURES, RANK, RETRIEVE, STAGES, StageTimes
from tests.unit.feed.newsrooms import NOW, engine, papers, read


def test_seconds_are_counted_in_their_bucket_and_summed() -> None:
    times = StageTimes()
    for seconds in (0.0005, BOUNDS[0], 0.003, 100.0):
        times.add(RANK, seconds)
    assert times.buckets[RANK] == [2, 0, 1, *[0] * (len(BOUNDS) - 3), 1]
    assert times.seconds[RANK] == pytest.approx(100.0045)
    assert not any(sum(times.buckets[stage]) for stage in STAGES if stage != RANK)


def test_a_stage_that_fails_is_counted_too() -> None:
    times = StageTimes()
    with pytest.raises(ZeroDivisionError), times.timed(RETRIEVE):
        _ = 1 / 0
    assert sum(times.buckets[RETRIEVE]) == 1


def test_a_feed_counts_its_stages_and_sources_and_a_ranking_counts_none() -> None:
    of = engine(papers(100), read("r", "a003"), pool=20)
    of.rank(RankRequest("request", NOW, ("a001", "a002"), "r"))
    assert not of.counts.candidates
    first, left = of.page(FeedRequest("one", NOW, "r", limit=5))
    of.page(FeedRequest("two", NOW + 1, "r", limit=5), left)
    counted = {stage: sum(buckets) for stage, buckets in of.counts.times.buckets.items()}
    assert counted == {**dict.fromkeys(STAGES, 0), RETRIEVE: 1, FEATURES: 1, RANK: 1, COMPOSE: 2, EXPLAIN: 2}
    assert sum(of.counts.candidates.values()) == len(first.items) + len(left) == 20
    assert sum(of.counts.shown.values()) == 10
