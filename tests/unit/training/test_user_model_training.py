"""The preference network is trained forward in time: a slate is scored by a network that never saw it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.domain import DAY, HOUR, RankRequest
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.feed.engine import FeedEngine
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable, align_vectors, ensure_vectors
from recsys.training.prequential_matcher import PrequentialMatcher
from recsys.training.reader_histories import collect
from recsys.training.training_run import Split, silent, split
from recsys.training.user_model_training import make_trainer, train_preference
from recsys.user_model.matcher import ReadHistory
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.trainer import FitConfig
from tests.trained import HashEncoder, Place, last_day, world


@dataclass(frozen=True)
class Collected:
    data: PreferenceData
    vectors: VectorTable
    when: Split
    readers: list[str]


@pytest.fixture(scope="module")
def collected(trained: Place) -> Iterator[Collected]:
    when = split(int(world().slates["at"].min()), last_day() + DAY)  # type: ignore[arg-type]
    database = trained.open()
    with database.read() as connection, Replay(connection) as log:
        vectors = align_vectors(log.state, log.articles, ensure_vectors(database, HashEncoder(), log.articles))
        labelled_requests = load_labelled_requests(connection, when.start, when.until, log.articles, when.until)
        data = collect(log, vectors, labelled_requests, silent)
    database.close()
    yield Collected(data, vectors, when, labelled_requests["reader"].to_list())


def test_every_slate_is_collected_with_its_candidates_and_labels(collected: Collected) -> None:
    data = collected.data
    shown = world().slates.filter(world().slates["at"] < collected.when.until)
    assert len(data.at) == shown.height
    assert data.offsets[-1] == len(data.candidates) == len(data.labels) == shown["candidates"].list.len().sum()
    assert (data.candidates > 0).all()


def test_a_history_holds_only_what_was_read_before(collected: Collected) -> None:
    data = collected.data
    held = data.reads >= 0
    assert (data.age[held] >= 0).all()
    assert (np.diff(held.astype(int), axis=1) <= 0).all(), "reads stand in front, padding behind"
    clicks = world().events.filter(world().events["kind"] == "click").select("reader", "known_at")
    for slate in range(0, len(data.at), 37):
        earlier = clicks.filter(
            (clicks["reader"] == collected.readers[slate]) & (clicks["known_at"] < data.at[slate])
        ).height
        assert held[slate].sum() <= earlier


def test_training_and_requests_use_the_same_dwell(collected: Collected, trained: Place) -> None:
    """Quantile, noise, age and dwell of a history: from `collect` and from the engine, to the last bit kept."""
    database, data = trained.open(), collected.data
    with database.read() as connection, Replay(connection) as log:
        engine = FeedEngine(state=log.state, vectors=collected.vectors)
        for slate in np.flatnonzero(data.reads[:, 0] >= 0)[::41].tolist():
            at = int(data.at[slate])
            log.advance(at)
            requested = RankRequest(request_id="", as_of=at, candidates=("x",), reader=collected.readers[slate])
            served, kept = engine.prepare(requested)[0].reads, data.history(slate, collected.vectors.matrix)
            np.testing.assert_array_equal(served.vectors, kept.vectors)
            for name in ("seconds", "age", "quantile"):
                np.testing.assert_array_equal(getattr(served, name).astype(np.float32), getattr(kept, name))
            assert np.float32(served.noise) == kept.noise
    database.close()


def test_outcomes_of_reads_are_collected(collected: Collected) -> None:
    data = collected.data
    known = data.important >= 0
    assert (data.important[data.reads < 0] == -1).all()
    assert (data.important[known & (data.seconds < 5)] == 0).mean() > 0.9, "a like outweighs a bounce"
    assert 0.2 < data.important[known].mean() < 0.9


def trained_matcher(of: Collected, data: PreferenceData | None = None) -> PrequentialMatcher:
    return train_preference(data or of.data, of.vectors, of.when, 7, "cpu", silent)


def scores(matcher: PrequentialMatcher, of: Collected, at: int) -> NDArray[np.float64]:
    some = of.vectors.take(np.arange(1, 21))
    return matcher.match(read_for_a_minute(some[:5]), some, at).scores


def read_for_a_minute(vectors: NDArray[np.float32]) -> ReadHistory:
    minute = np.full(len(vectors), 60.0)
    return ReadHistory.of(vectors, minute, np.arange(len(vectors), dtype=np.float64), minute)


def test_each_time_has_the_network_that_was_current_then(collected: Collected) -> None:
    matcher, when = trained_matcher(collected), collected.when
    assert len(matcher.starts) == len(matcher.matchers) == len(when.blocks()) + 1
    assert matcher.starts[-1] == when.validate_from
    assert (np.diff(matcher.starts) > 0).all()
    data, blocks = collected.data, when.blocks()[:-1]
    learnt = [end for start, end in blocks if len(data.only(data.between(start, end)).usable())]
    assert learnt, "in the first hours nobody has a history yet"
    for end in learnt:
        assert (scores(matcher, collected, end - 1) != scores(matcher, collected, end)).any()
    np.testing.assert_array_equal(
        scores(matcher, collected, when.validate_from), scores(matcher, collected, 10**18)
    )
    some = collected.vectors.take(np.arange(1, 4))
    assert matcher.interests(read_for_a_minute(some), 10**18).shape[1] == some.shape[1]


def test_labels_of_a_day_do_not_touch_scores_up_to_its_end(collected: Collected) -> None:
    """Clicks of the last day of the fit slice are dealt anew; the earlier networks stay what they were."""
    data, end = collected.data, collected.when.blocks()[-1][0]
    slate = np.repeat(np.arange(len(data.at)), np.diff(data.offsets))
    later = data.at[slate] >= end
    labels = data.labels.copy()
    labels[later] = np.random.default_rng(1).permutation(labels[later])
    other = replace(data, labels=labels)
    one, two = trained_matcher(collected), trained_matcher(collected, other)
    for at in (collected.when.start, end - HOUR, end, collected.when.validate_from - 1):
        np.testing.assert_array_equal(scores(one, collected, at), scores(two, collected, at))
    assert (scores(one, collected, 10**18) != scores(two, collected, 10**18)).any()


def test_training_twice_gives_the_same_network(collected: Collected) -> None:
    one, two = trained_matcher(collected), trained_matcher(collected)
    np.testing.assert_array_equal(scores(one, collected, 10**18), scores(two, collected, 10**18))


def test_batched_scores_are_those_of_single_requests(collected: Collected) -> None:
    """Training scores many slates at once, padded to the longest; serving scores one."""
    trainer = make_trainer(collected.data, collected.vectors, FitConfig(), "cpu")
    trainer.network.eval()
    matcher = PrequentialMatcher(np.asarray([0]), [])
    data, slates = collected.data, collected.data.usable()[::29]
    from recsys.user_model.network_matcher import NetworkMatcher

    matcher.matchers.append(NetworkMatcher(trainer.network.weights()))
    for slate, batched in zip(slates, trainer.scores(slates), strict=True):
        reads = data.history(slate, collected.vectors.matrix)
        single = matcher.match(reads, collected.vectors.take(data.shown(slate)), 1).scores
        np.testing.assert_allclose(batched, single, rtol=0, atol=1e-5)
