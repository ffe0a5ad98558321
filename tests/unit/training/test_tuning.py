import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recsys.domain import DAY, HOUR
from recsys.errors import ConfigError, DataError
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.features.position import POSITION, SERVING_POSITION
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.training.ranker_training import PastSlates
from recsys.training.training_run import silent
from recsys.training.tuning import JOURNAL, SEARCHED, TuningPlan, blocks, require_optuna, tuned

UNTIL = 20 * DAY
CONFIG = LambdaMartConfig(trees=5, patience=5, threads=1)


def slates(days: int, a_day: int = 30) -> PastSlates:
    """Slates of five, one clicked, evenly over the days before `UNTIL`."""
    count = days * a_day
    rng = np.random.default_rng(1)
    features = rng.normal(size=(count * 5, len(ALL_FEATURES.names)))
    features[:, ALL_FEATURES.names.index(POSITION)] = 3.0
    labels = np.zeros((count, 5), dtype=np.int8)
    labels[np.arange(count), features[:, 0].reshape(count, 5).argmax(axis=1)] = 2
    at = UNTIL - days * DAY + np.arange(count) * (DAY // a_day)
    data = RankingData(features, labels.reshape(-1), np.full(count, 5))
    return PastSlates(data, at, np.full(count * 5, np.nan), np.arange(count) % 7)


def test_folds_are_whole_days_after_all_they_learn_from() -> None:
    found = blocks(slates(5), UNTIL)
    assert [(len(early.sizes), len(late.sizes)) for early, late in found] == [(60, 30), (90, 30), (120, 30)]
    place = ALL_FEATURES.names.index(POSITION)
    for early, late in found:
        assert (early.features[:, place] == 3.0).all()
        assert (late.features[:, place] == SERVING_POSITION).all(), "judged at the position of a feed"


def test_days_with_too_little_are_no_folds() -> None:
    assert len(blocks(slates(2), UNTIL)) == 1
    with pytest.raises(DataError, match="leave out --tune"):
        blocks(slates(5, a_day=4), UNTIL)


def test_a_study_goes_on_where_it_stopped(tmp_path: Path) -> None:
    reported: list[tuple[int, int | None]] = []

    def trials(wanted: int) -> LambdaMartConfig:
        reported.clear()
        past = slates(4)
        return tuned(
            past,
            TuningPlan(UNTIL, wanted, tmp_path),
            CONFIG,
            lambda stage, done, total: reported.append((done, total)),
        )

    first = trials(2)
    assert reported == [(0, 2), (1, 2), (2, 2)]
    assert (tmp_path / JOURNAL).is_file()
    assert trials(2) == first
    assert reported == [(2, 2)], "nothing is tried again"
    trials(3)
    assert reported == [(2, 3), (3, 3)]


def test_chosen_parameters_lie_within_their_bounds_and_keep_the_others(tmp_path: Path) -> None:
    chosen = tuned(slates(4), TuningPlan(UNTIL, 3, tmp_path), replace(CONFIG, seeds=3), silent)
    assert (chosen.seeds, chosen.trees, chosen.seed) == (3, CONFIG.trees, CONFIG.seed)
    for name, (low, high) in SEARCHED.items():
        assert low <= getattr(chosen, name) <= high


def test_the_parameters_that_are_known_are_tried_first(tmp_path: Path) -> None:
    assert tuned(slates(4), TuningPlan(UNTIL, 1, tmp_path), CONFIG, silent) == CONFIG


def test_other_slates_are_another_study(tmp_path: Path) -> None:
    tuned(slates(4), TuningPlan(UNTIL, 1, tmp_path), CONFIG, silent)
    reported: list[int] = []
    tuned(slates(3), TuningPlan(UNTIL, 1, tmp_path), CONFIG, lambda stage, done, total: reported.append(done))
    assert reported == [0, 1]


def test_other_labels_are_another_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graded = slates(4)
    clicks = replace(graded, data=replace(graded.data, labels=np.minimum(graded.data.labels, 1)))
    reported: list[int] = []

    def tried(past: PastSlates) -> list[int]:
        reported.clear()
        tuned(past, TuningPlan(UNTIL, 1, tmp_path), CONFIG, lambda stage, done, total: reported.append(done))
        return list(reported)

    assert tried(graded) == [0, 1]
    assert tried(clicks) == [0, 1]
    assert tried(graded) == tried(clicks) == [1], "both are kept"
    monkeypatch.setattr("recsys.labels.grading.VERSION", 99)
    assert tried(graded) == [0, 1], "another rule"


def test_without_optuna_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    require_optuna()
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"attune-feed\[tune\]"):
        require_optuna()


def test_slates_between_two_times_are_those_of_the_first_and_before_the_second() -> None:
    past = slates(3)
    part = past.between(int(past.at[4]), int(past.at[9]))
    np.testing.assert_array_equal(part.features, past.data.features[20:45])
    np.testing.assert_array_equal(part.sizes, past.data.sizes[4:9])
    assert len(past.between(UNTIL, UNTIL + HOUR).sizes) == 0
