"""The preference network is trained forward in time: a slate is scored by a network that never saw it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.domain import DAY, HOUR
from recsys.evaluation.questions import load_questions
from recsys.feed.follow import Replay
from recsys.feed.vectors import VectorTable, ensure_vectors, vector_table
from recsys.preference.data import PreferenceData
from recsys.preference.fit import FitConfig
from recsys.preference.match import Reads
from recsys.training.preference import PrequentialMatcher, collect, make_trainer, train_preference
from recsys.training.progress import silent
from recsys.training.split import Split, split
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
        vectors = vector_table(log.state, log.articles, ensure_vectors(database, HashEncoder(), log.articles))
        questions = load_questions(connection, when.start, when.until, log.articles, when.until)
        data = collect(log, vectors, questions, silent)
    database.close()
    yield Collected(data, vectors, when, questions["reader"].to_list())


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


def trained_matcher(of: Collected, data: PreferenceData | None = None) -> PrequentialMatcher:
    return train_preference(data or of.data, of.vectors, of.when, 7, "cpu", silent)


def scores(matcher: PrequentialMatcher, of: Collected, at: int) -> NDArray[np.float64]:
    some = of.vectors.take(np.arange(1, 21))
    return matcher.match(Reads(some[:5], np.full(5, 30.0), np.arange(5.0)), some, at).scores


def test_each_time_has_the_network_that_was_current_then(collected: Collected) -> None:
    matcher, when = trained_matcher(collected), collected.when
    assert len(matcher.starts) == len(matcher.matchers) == len(when.blocks()) + 1
    assert matcher.starts[-1] == when.validate_from
    assert (np.diff(matcher.starts) > 0).all()
    ends = [end for _, end in when.blocks()]
    for end in ends[:-1]:
        assert (scores(matcher, collected, end - 1) != scores(matcher, collected, end)).any()
    np.testing.assert_array_equal(
        scores(matcher, collected, when.validate_from), scores(matcher, collected, 10**18)
    )
    some = collected.vectors.take(np.arange(1, 4))
    assert matcher.interests(Reads(some, np.full(3, 9.0), np.arange(3.0)), 10**18).shape[1] == 16


def test_labels_of_a_day_do_not_touch_scores_up_to_its_end(collected: Collected) -> None:
    """Clicks of the last day of the fit slice are dealt anew; the earlier networks stay what they were."""
    data, end = collected.data, collected.when.blocks()[-1][0]
    slate = np.repeat(np.arange(len(data.at)), np.diff(data.offsets))
    later = data.at[slate] >= end
    labels = data.labels.copy()
    labels[later] = np.random.default_rng(1).permutation(labels[later])
    other = PreferenceData(data.at, data.reads, data.seconds, data.age, data.candidates, labels, data.offsets)
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
    from recsys.preference.matcher import NetworkMatcher

    matcher.matchers.append(NetworkMatcher(trainer.network))
    for slate, batched in zip(slates, trainer.scores(slates), strict=True):
        held = data.reads[slate] >= 0
        reads = Reads(
            collected.vectors.take(data.reads[slate][held]),
            data.seconds[slate][held].astype(np.float64),
            data.age[slate][held].astype(np.float64),
        )
        candidates = data.candidates[data.offsets[slate] : data.offsets[slate + 1]]
        single = matcher.match(reads, collected.vectors.take(candidates), 1).scores
        np.testing.assert_allclose(batched, single, rtol=0, atol=1e-5)
