import numpy as np
import pytest

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.ranker import HeuristicRanker
from tests.unit.ranking.requests import request


def score(**columns: float) -> float:
    row = np.full((1, len(ALL_FEATURES.names)), np.nan)
    for name, value in {"title_chars": 40.0, **columns}.items():
        row[0, ALL_FEATURES.names.index(name)] = value
    return float(HeuristicRanker().score(row)[0])


@pytest.mark.parametrize("name", ["content", "clicks_4h", "ctr_12h"])
def test_more_of_what_readers_like_scores_higher(name: str) -> None:
    assert score(**{name: 0.5}) > score(**{name: 0.1}) > score()


@pytest.mark.parametrize("name", ["age", "times_shown", "already_read"])
def test_old_shown_and_read_articles_score_lower(name: str) -> None:
    assert score(**{name: 2.0}) < score(**{name: 0.5})


def test_nothing_known_is_a_number() -> None:
    assert np.isfinite(score())


def test_an_id_of_which_no_article_is_known_is_not_taken_for_a_new_one() -> None:
    assert score(title_chars=np.nan) < score(age=48.0) < score(age=0.0)


def test_an_article_that_others_open_now_beats_an_old_one_of_equal_match() -> None:
    hot, old = HeuristicRanker().score(ALL_FEATURES.compute(request(("hot", "old"))))
    assert hot > old
