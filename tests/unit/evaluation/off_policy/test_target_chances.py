"""Chances of a target policy: those of serving, and the outcomes of the positions that exploration reached."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.domain import FeedRequest
from recsys.evaluation.off_policy.feed_replay import ReplayedSlate
from recsys.evaluation.off_policy.logged_outcomes import CLICKS, MINUTES, VALUE, LoggedOutcomes
from recsys.evaluation.off_policy.target_chances import SlateChances, slate_chances
from recsys.feed.retrieval import FeedLimits
from recsys.feed.selection.caps import Cap
from recsys.feed.selection.exploration import Exploration
from recsys.feed.selection.fresh_articles import FreshArticles
from recsys.feed.selection.open_positions import SlatePlan
from recsys.feed.selection.slate_edits import Edits, Limit
from recsys.feed.selection.slate_selection import fill
from recsys.feed.selection.thompson import BetaArms
from tests.unit.feed.newsrooms import NOW, engine, papers, read

ROWS = np.arange(100, 109)


def plan(seed: int, explore: float = 0.5) -> SlatePlan:
    """Nine candidates with caps, new articles to try, a quota and a placed one."""
    rng = np.random.default_rng(seed)
    fresh = FreshArticles(
        np.array([2, 5]), BetaArms.of(np.array([1.0, 2.0]), np.array([9.0, 9.0])), np.array([1.0, 0.4])
    )
    edits = Edits({2: 7}, np.arange(9) == 7, (Limit(np.arange(9) % 2 == 0, 3),))
    order = rng.permutation([0, 1, 2, 3, 4, 5, 6, 8])
    cap = Cap(np.arange(9) % 3, np.full(3, 0.4))
    return SlatePlan(order, (cap,), 5, Exploration(explore, 0.4, fresh), edits)


@given(st.integers(0, 500))
def test_the_policy_of_the_log_has_the_logged_propensities(seed: int) -> None:
    made = fill(plan(seed), np.random.default_rng(seed))
    clicks = np.random.default_rng(seed).random(9)
    found = slate_chances(plan(seed), ROWS[made.places].tolist(), ROWS, clicks)
    assert found.chance.tolist() == made.propensities
    assert found.predicted.tolist() == clicks[made.places].tolist()


def test_expected_is_the_mean_prediction_over_the_choices() -> None:
    clicks = np.random.default_rng(0).random(9)
    first = fill(plan(1), np.random.default_rng(1)).places[:1]
    expected = slate_chances(plan(1), [*ROWS[first].tolist(), -5], ROWS, clicks).expected[1]
    total = chance = 0.0
    for candidate in range(9):
        found = slate_chances(plan(1), ROWS[[*first, candidate]].tolist(), ROWS, clicks).chance[1]
        total += found * clicks[candidate] if candidate not in first else 0.0
        chance += found if candidate not in first else 0.0
    assert chance == pytest.approx(1)
    assert expected == pytest.approx(total)


def test_an_article_that_the_target_does_not_retrieve_has_no_chance() -> None:
    found = slate_chances(plan(3), [-1, 9_999], ROWS, np.ones(9))
    assert found.chance.tolist() == [0.0, 0.0]
    assert found.predicted.tolist() == [0.0, 0.0]


def test_the_plan_of_a_feed_is_the_feed() -> None:
    newsroom = engine(papers(), [*read("r", "a010"), *read("r", "a014")])
    newsroom = replace(newsroom, limits=FeedLimits(fresh_share=0.5))
    for number in range(10):
        request = FeedRequest(request_id=f"q{number}", as_of=NOW, reader="r", limit=8, explore=0.5)
        shown = newsroom.recommend(request).ranking.items
        candidates, planned = newsroom.plan(request)
        logged = newsroom.state.rows_of([item.id for item in shown]).tolist()
        found = slate_chances(planned, logged, candidates.rows, np.zeros(len(candidates)))
        assert found.chance.tolist() == [item.propensity for item in shown]
        assert candidates.features is not None
        assert len(candidates.features) == len(candidates)


def slate(reader: str, propensities: list[float], chance: list[float], labels: list[int]) -> ReplayedSlate:
    zero = np.zeros(len(chance))
    chances = SlateChances(np.asarray(chance), zero + 0.1, zero + 0.2)
    seconds = np.where(np.asarray(labels) > 0, 90.0, np.nan)
    return ReplayedSlate(reader, chances, np.asarray(propensities), np.asarray(labels, dtype=np.int8), seconds)


def test_only_drawn_positions_count() -> None:
    outcomes = LoggedOutcomes.of(
        [
            slate("b", [1.0, 0.5, 0.25], [0.0, 0.25, 0.5], [3, 2, 0]),
            slate("a", [1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [3, 3, 3]),
            slate("a", [1.0, 0.1, 1.0], [1.0, 0.3, 1.0], [0, 1, 0]),
        ]
    )
    assert (outcomes.certain, outcomes.unexplored) == (6, 1)
    assert outcomes.rewards[CLICKS].tolist() == [1, 0, 1]
    assert outcomes.rewards[MINUTES].tolist() == [1.5, 0, 1.5]
    assert outcomes.rewards[VALUE].tolist() == [0.5, 0, 0]
    assert outcomes.reader.tolist() == [1, 0]
    logged = outcomes.logged_rewards(CLICKS)
    assert logged.reward.tolist() == [[1, 0], [1, 0]]
    assert logged.ratio == pytest.approx(np.array([[0.5, 2.0], [3.0, 1.0]]))
    weight, above = logged.weights()
    assert weight == pytest.approx(np.array([[0.5, 1.0], [3.0, 3.0]]))
    assert above == pytest.approx(np.array([[1.0, 0.5], [1.0, 3.0]]))
    # scales and the rewards below come from the other reader: reader a has no drawn position below another
    other = (1 + 20 * 1 / 0.2) / (0.1 + 20)
    assert logged.predicted[1] == pytest.approx([other * 0.1 + 0.0, 0.0])
    alone = 1 / 0.1
    assert logged.predicted[0] == pytest.approx([(1 + 20 * alone) / (0.1 + 20) * 0.1, alone * 0.1])
