"""Figures from answers: by hand where they are small, and null where nothing can be judged."""

import json

import numpy as np
import pytest

from recsys.domain import HOUR, MINUTE
from recsys.evaluation.platt import Platt
from recsys.evaluation.report import comparisons, figures, slices
from recsys.state.catalog import NEVER
from tests.unit.evaluation.answers import AT, answers, changed

VECTORS = np.eye(6, dtype=np.float32)
CLICKS = np.asarray([0.0, 5.0, 4.0, 3.0, 2.0, 1.0])
LABELS = [[1, 0, 0], [0, 3], [0, 0]]
PARTS_OF_NEW_ARTICLES = (
    "clicked an article in its first hour",
    "clicked an older article",
    "at least half of the articles in their first hour",
    "only articles in their first hour",
)
GOOD, BAD, FLAT = [[3, 2, 1], [1, 2], [0, 1]], [[1, 2, 3], [2, 1], [0, 1]], [[0, 0, 0], [0, 0], [0, 0]]


def test_figures_by_hand() -> None:
    table = figures(answers(LABELS, good=GOOD, bad=BAD, flat=FLAT), {}, VECTORS, CLICKS)
    assert [table[name]["auc"] for name in ("good", "bad", "flat")] == [1.0, 0.0, 0.5]
    assert table["good"]["mrr"] == table["good"]["ndcg@5"] == table["good"]["read_weighted_ndcg@10"] == 1.0
    assert table["bad"]["mrr"] == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert table["good"]["ci"]["auc"] == [1.0, 1.0]
    assert table["good"]["ece"] is None


def test_slates_without_a_choice_count_for_nothing_but_coverage() -> None:
    nothing = figures(answers([[0, 0], [1]], any=[[1, 2], [1]]), {}, VECTORS, CLICKS)["any"]
    assert nothing["auc"] is None
    assert nothing["ci"]["auc"] == [None, None]
    assert nothing["beyond_accuracy"]["coverage@10"] == 1.0


def test_calibration_error_needs_a_fit() -> None:
    stated = answers(LABELS, good=GOOD)
    base = figures(stated, {"good": Platt(0.0, 0.0, 0.5)}, VECTORS, CLICKS)["good"]["ece"]
    assert base == pytest.approx(0.5 - 2 / 7)


def test_articles_first_met_during_the_stretch_do_no_harm() -> None:
    few = figures(answers(LABELS, good=GOOD), {}, VECTORS[:2], CLICKS[:2])["good"]["beyond_accuracy"]
    assert all(value is None or np.isfinite(value) for value in few.values())


def test_beyond_accuracy_by_hand() -> None:
    stated = changed(
        answers([[1, 0]], any=[[2, 1]]),
        available=np.asarray([AT - HOUR, AT - 1_000 * HOUR]),
        mix=np.asarray([[1.0, 1.0]]),
    )
    beyond = figures(stated, {}, VECTORS, CLICKS)["any"]["beyond_accuracy"]
    assert beyond["intra_list_diversity@10"] == pytest.approx(1.0)  # the two vectors are orthogonal
    assert beyond["fresh_share@10"] == 0.5
    assert beyond["coverage@10"] == 1.0
    assert beyond["topic_divergence@10"] == pytest.approx(0.0, abs=1e-6)


def test_the_full_system_is_compared_with_each_other_one() -> None:
    labels, good = [[1, 0]] * 30, [[2.0, 1.0]] * 30
    compared = comparisons(answers(labels, attune=good, bad=[[1, 2]] * 30, same=good))
    assert list(compared) == ["bad", "same"]
    assert compared["bad"]["verdict"] == "win"
    assert compared["bad"]["difference"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert compared["same"]["verdict"] == "tie"


def test_slices_part_by_history_novelty_and_hour() -> None:
    labels, scores = [[1, 0]] * 24, [[2.0, 1.0]] * 24
    stated = changed(
        answers(labels, attune=scores, popular=scores),
        history=np.asarray([0] * 5 + [5] * 5 + [40] * 5 + [41] * 9),
        available=np.where(np.arange(48) < 4, AT - 30 * MINUTE, AT - 999 * HOUR),
    )
    parts = slices(stated)
    assert {part: values["impressions"] for part, values in parts.items()} == {
        "readers with ≤ 3 reads": 5,
        "clicked an article in its first 30 minutes": 0,
        "readers with < 5 reads": 5,
        "readers with 5-40 reads": 10,
        "readers with > 40 reads": 9,
        "clicked an article in its first hour": 1,
        "at least half of the articles in their first hour": 1,
        "clicked an older article": 23,
        "hour 00-05 UTC": 6,
        "hour 06-11 UTC": 6,
        "hour 12-17 UTC": 6,
        "hour 18-23 UTC": 6,
        "only articles in their first hour": 1,
    }
    assert parts["hour 00-05 UTC"]["attune"] == parts["hour 00-05 UTC"]["popular"] == 1.0


def test_cold_starts_are_reported_for_every_system() -> None:
    stated = changed(
        answers([[1, 0]] * 4, attune=[[2.0, 1.0]] * 4, newest=[[1.0, 2.0]] * 4),
        history=np.asarray([0, 3, 4, 60]),
        available=np.repeat([AT - 29 * MINUTE, AT - 31 * MINUTE, AT - 29 * MINUTE, AT - 31 * MINUTE], 2),
    )
    readers, articles = list(slices(stated).items())[:2]
    assert readers == ("readers with ≤ 3 reads", {"impressions": 2, "attune": 1.0, "newest": 0.0})
    assert articles[0] == "clicked an article in its first 30 minutes"
    assert articles[1] == {"impressions": 1, "attune": 1.0, "newest": 0.0}, "the others came hours later"


def test_new_articles_are_compared_with_each_other_whatever_was_clicked() -> None:
    new, old = AT - 10 * MINUTE, AT - 9 * HOUR
    stated = changed(
        answers([[1, 0, 0, 0], [0, 0, 1], [1, 0, 0]], attune=[[2, 1, 3, 4], [1, 2, 3], [3, 2, 1]]),
        available=np.asarray([new, new, old, old, new, old, old, old, old, old]),
    )
    parts = slices(stated)
    assert parts["at least half of the articles in their first hour"] == {"impressions": 1, "attune": 1 / 3}
    assert parts["only articles in their first hour"] == {"impressions": 1, "attune": 1.0}


def test_raising_all_new_articles_is_a_gain_only_where_one_of_them_was_clicked() -> None:
    available = np.asarray([AT - 10 * MINUTE, AT - 10 * MINUTE, AT - 9 * HOUR] * 2)
    available[3:] += HOUR  # slate s is requested s hours after midnight
    plain, raised = (
        slices(changed(answers([[1, 0, 0], [0, 0, 1]], attune=[[up + 2, up + 1, 2.5]] * 2), available=available))
        for up in (0.0, 5.0)
    )
    gains = {part: raised[part]["attune"] - plain[part]["attune"] for part in PARTS_OF_NEW_ARTICLES}
    assert gains == {
        "clicked an article in its first hour": 0.5,
        "clicked an older article": -1.0,
        "at least half of the articles in their first hour": -0.25,
        "only articles in their first hour": 0.0,
    }


def test_comparisons_can_be_of_any_metric() -> None:
    labels = [[3, 1, 0]] * 30
    stated = answers(labels, attune=[[3, 2, 1]] * 30, other=[[2, 3, 1]] * 30)
    assert comparisons(stated, "read_weighted_ndcg@10")["other"]["verdict"] == "win"
    assert comparisons(stated)["other"]["verdict"] == "tie"


def test_an_empty_part_has_no_figure_and_never_available_is_new() -> None:
    stated = changed(answers([[1, 0]], attune=[[2, 1]]), available=np.asarray([NEVER, NEVER]))
    parts = slices(stated)
    assert parts["readers with > 40 reads"] == {"impressions": 0, "attune": None}
    assert parts["clicked an article in its first hour"]["impressions"] == 1


def test_everything_is_plain_json() -> None:
    stated = answers(LABELS, attune=GOOD, popular=BAD)
    whole = [figures(stated, {}, VECTORS, CLICKS), comparisons(stated), slices(stated)]
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole
