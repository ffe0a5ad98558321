"""Checks of behaviour: changed histories, popularity, groups of readers, exposure."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from recsys.domain import DAY, HistoryItem
from recsys.evaluation.behaviour.behaviour_check import BehaviourLimits, failed
from recsys.evaluation.behaviour.behaviour_checks import behaviour, group_names
from recsys.evaluation.behaviour.damaged_headlines import damaged, damaged_articles
from recsys.evaluation.behaviour.exposure_shares import exposure_checks
from recsys.evaluation.behaviour.perturbed_reads import PerturbedOrders, PerturbedReads, changes
from recsys.evaluation.behaviour.reader_groups import rare_interests, reader_checks
from recsys.evaluation.behaviour.shown_popularity import popularity_check
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.evaluation.replay import ReplayScores, replay
from recsys.evaluation.systems import FULL_SYSTEM, systems
from recsys.feed.engine import FeedEngine
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import FloatArray
from recsys.ranking.ranker import HeuristicRanker
from tests.hashed import DIM
from tests.trained import HashEncoder, Place, last_day, world
from tests.unit.evaluation.answers import answers, changed

SIZE, SLATES = 10, 80


class ByReads(HeuristicRanker):
    """Ranker that follows every small change of the history: its numbers are hashed."""

    def score(self, features: FloatArray) -> FloatArray:
        column = features[:, ALL_FEATURES.names.index("category_share")]
        return np.sin(1e6 * (column + 1) * np.arange(1, len(column) + 1))


def slates(best: int = 0) -> ReplayScores:
    """Slates whose candidate `best` was clicked, and stands first."""
    labels = [[int(place == best) for place in range(SIZE)]] * SLATES
    scores = [[float(place == best) - place / 100 for place in range(SIZE)]] * SLATES
    popular = [[10.0, *[1.0] * (SIZE - 1)]] * SLATES
    return answers(labels, attune=scores, popular=popular)


def test_changed_histories_say_nothing_new() -> None:
    items = tuple(HistoryItem(f"a{number}", 30.0, number) for number in range(6))
    pairs = changes(items)
    missing = pairs["one read missing"][1]
    assert len(missing) == 5 and set(missing) < set(items)
    assert pairs["the newest read twice"][1] == (*items, items[-1])
    one, other = pairs["two reads of one time in the other order"]
    assert sorted(one, key=repr) == sorted(other, key=repr) and one != other
    assert one[-1].at == one[-2].at


def test_a_steady_ranker_keeps_the_order_of_the_logs_slates_and_a_nervous_one_does_not(trained: Place) -> None:
    database = trained.open()
    with database.read() as connection, Replay(connection) as log:
        since = last_day()
        requests = load_labelled_requests(connection, since, since + DAY, world().articles, since + 2 * DAY)
        engine = FeedEngine(state=log.state, vectors=VectorTable())
        watcher = PerturbedReads(engine, 1)
        table = systems({FULL_SYSTEM: HeuristicRanker()})
        replayed = replay(engine, log, requests, table, watchers=[watcher])
        names = group_names(log.state)
    database.close()
    checks = behaviour(replayed, watcher.orders, HeuristicRanker(), names, BehaviourLimits())
    assert [check["name"] for check in checks] == [
        "changed histories",
        "popularity",
        "new readers",
        "readers with rare interests",
        "categories",
        "sources",
    ]
    assert checks[0]["verdict"] == "pass"
    assert watcher.orders.check(ByReads(), 0.8).verdict == "fail"


def test_each_kind_of_damage_keeps_words_of_the_title() -> None:
    title = "Storm reaches the coast"
    found = [damaged(title, number) for number in range(3)]
    assert found == ["STORM REACHES THE COAST !!!", "Storm reaches …", "BREAKING | Storm reaches the coast"]


def test_only_recent_articles_get_the_vectors_of_damaged_headlines() -> None:
    articles = world().articles
    found = damaged_articles(HashEncoder(), articles, last_day())
    assert found.vectors.shape == (len(found.ids), 3 * DIM)
    assert articles.filter(pl.col("id").is_in(found.ids))["published_at"].min() >= last_day()
    assert not damaged_articles(HashEncoder(), articles, last_day() + 99 * DAY).ids


def test_readers_without_history_decide_nothing_about_changed_histories() -> None:
    assert PerturbedOrders().check(HeuristicRanker(), 0.9).verdict == "unknown"


def test_the_popularity_of_the_first_places_is_that_of_a_plain_loop() -> None:
    check = popularity_check(slates(), limit=1.4)
    assert check.figure == pytest.approx((10 + 4) / 5 / ((10 + 9) / 10))
    assert check.verdict == "fail"
    assert check.parts["by place"][0] == pytest.approx(10 / 1.9)
    assert check.parts["opened"] == pytest.approx(10 / 1.9)
    assert popularity_check(slates(), limit=1.5).verdict == "pass"


def test_popularity_is_unknown_before_the_first_click() -> None:
    quiet = slates()
    quiet = changed(quiet, scores={**quiet.scores, "popular": np.zeros(len(quiet.labels))})
    assert popularity_check(quiet, 2.0).verdict == "unknown"


def test_readers_of_rare_categories_are_those_whose_main_category_few_others_have() -> None:
    mix = np.asarray([[5, 1, 0]] * 8 + [[1, 4, 0], [9, 0, 0]], dtype=np.float64)
    rare = rare_interests(mix, np.ones(10, dtype=np.bool_))
    np.testing.assert_array_equal(rare, np.arange(10) == 8)
    assert not rare_interests(mix, np.zeros(10, dtype=np.bool_)).any()


def test_new_readers_who_are_ranked_much_worse_fail_and_equal_ones_pass() -> None:
    both = slates()
    scores = both.scores[FULL_SYSTEM].reshape(SLATES, SIZE).copy()
    scores[:40] *= -1
    history = np.where(np.arange(SLATES) < 40, 0, 20)
    worse = changed(both, history=history, scores={**both.scores, FULL_SYSTEM: scores.reshape(-1)})
    assert reader_checks(worse, 0.1)[0].verdict == "fail"
    assert reader_checks(changed(both, history=history), 0.1)[0].verdict == "pass"
    assert reader_checks(both, 0.1)[0].verdict == "unknown", "nobody is new"


def test_exposure_is_compared_with_what_is_opened() -> None:
    groups = np.tile(np.asarray([1, *[0] * (SIZE - 1)]), SLATES)
    names = {"categories": ("sport", "politics")}
    shown = changed(slates(), categories=groups, sources=None)
    (check,) = exposure_checks(shown, names, 0.5)
    assert check.figure == pytest.approx(0.8), "all opened articles are of politics, and one place in five"
    assert check.verdict == "fail"
    assert check.parts["politics"] == {"shown": pytest.approx(0.2), "opened": 1.0}
    assert failed([check.as_dict()]) == [check.sentence]
    assert "politics, shown too little" in check.sentence or "sport, shown too much" in check.sentence


def test_sources_that_the_log_does_not_name_are_unknown() -> None:
    unnamed = replace(slates(), sources=np.full(SLATES * SIZE, -1))
    assert exposure_checks(unnamed, {}, 0.3)[1].verdict == "unknown"
