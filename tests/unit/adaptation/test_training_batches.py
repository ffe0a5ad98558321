"""The batch of a step: what is drawn, and that only the seed and the number of the step decide."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from recsys.adaptation.adaptation_data import AdaptationData
from recsys.adaptation.click_history import ClickHistory
from recsys.adaptation.slate_choices import SlateChoices
from recsys.adaptation.text_bank import TextBank
from recsys.adaptation.training_batches import READ_PAIRS, TrainingBatch, _drawn_near, _slates
from recsys.encoder.article_text import ArticleText
from recsys.store.log_contents import LogContents

ROWS = pl.DataFrame(
    {"id": [f"a{row}" for row in range(9)], "row": range(9)}, schema={"id": pl.String, "row": pl.Int64}
)
SLATES = pl.DataFrame(
    {
        "id": ["s0", "s1", "s2", "s3", "s4"],
        "reader": ["r", "r", "q", "new", "r"],
        "at": [10, 20, 30, 40, 5],
        "candidates": [["a0", "a1", "a2"], ["a3", "gone", "a4"], ["a5", "a6"], ["a0", "a1"], ["a0", "a1"]],
        "labels": [[0, 1, 0], [2, 0, 0], [1, 1], [1, 0], [1, 0]],
    }
)
CLICKS = pl.DataFrame(
    {"reader": ["r", "r", "q"], "row": [7, 8, 7], "at": [6, 12, 1], "known_at": [6, 12, 1]},
    schema={"reader": pl.String, "row": pl.Int64, "at": pl.Int64, "known_at": pl.Int64},
)


@pytest.fixture
def choices() -> SlateChoices:
    return SlateChoices.of(SLATES, ROWS, ClickHistory.of(CLICKS))


def test_slates_without_reads_or_without_a_choice_are_left_out(choices: SlateChoices) -> None:
    """s2 has clicks only, s3's reader and s4's moment have no reads; unknown articles are left out."""
    assert choices.at.tolist() == [10, 20]
    assert choices.candidates.tolist() == [0, 1, 2, 3, 4]
    assert choices.clicked.tolist() == [False, True, False, True, False]
    assert choices.offsets.tolist() == [0, 3, 5]
    assert choices.reads[:, :3].tolist() == [[7, -1, -1], [8, 7, -1]]
    assert choices.articles().tolist() == [0, 1, 2, 3, 4, 7, 8]


def test_click_rates_are_smoothed_towards_the_mean(choices: SlateChoices) -> None:
    rates = np.exp(choices.log_click_rates(9))
    mean = 2 / 5
    np.testing.assert_allclose(rates[1], (1 + 10 * mean) / 11, rtol=1e-6)
    np.testing.assert_allclose(rates[0], 10 * mean / 11, rtol=1e-6)
    np.testing.assert_allclose(rates[8], mean, rtol=1e-6)


def data_of(choices: SlateChoices) -> AdaptationData:
    bank = TextBank.of([ArticleText(f"title {row}", "", f"abstract {row}") for row in range(9)])
    together = np.asarray([[0, 1], [2, 3], [4, 5]])
    contents = LogContents(9, 5, 3, None, None)
    return AdaptationData(bank, np.arange(9), together, choices, choices, None, contents, 0)


def test_the_first_candidate_was_clicked_and_the_others_were_passed_over(choices: SlateChoices) -> None:
    data = data_of(choices)
    for step in range(20):
        batch = TrainingBatch.draw(data, data.learnable, 7, step)
        lines = {line[0]: sorted(line[1:][line[1:] >= 0].tolist()) for line in batch.candidates}
        assert lines == {1: [0, 2], 3: [4]}
        reads = {
            line[0]: sorted(found[found >= 0].tolist())
            for line, found in zip(batch.candidates, batch.reads, strict=True)
        }
        assert reads == {1: [7], 3: [7, 8]}
        assert sorted(sorted(pair) for pair in batch.together.tolist()) == [[0, 1], [2, 3], [4, 5]]


def test_a_step_is_drawn_by_its_number_alone(choices: SlateChoices) -> None:
    data = data_of(choices)
    forward = [TrainingBatch.draw(data, data.learnable, 7, step) for step in range(6)]
    backward = [TrainingBatch.draw(data, data.learnable, 7, step) for step in range(5, -1, -1)][::-1]
    for one, other in zip(forward, backward, strict=True):
        for name in ("described", "together", "reads", "candidates"):
            assert_array_equal(getattr(one, name), getattr(other, name))
        assert one.field == other.field
    assert any(not np.array_equal(forward[0].described, batch.described) for batch in forward[1:])


def test_pairs_of_a_step_are_of_one_time_and_slates_of_a_few_readers() -> None:
    """Otherwise dates and habits would tell articles apart, and every read would have to be encoded."""
    readers, slates = 60, 20
    frame = pl.DataFrame(
        {
            "id": [f"s{row:04}" for row in range(readers * slates)],
            "reader": [f"r{row % readers:02}" for row in range(readers * slates)],
            "at": range(10, 10 + readers * slates),
            "candidates": [["a0", "a1"]] * readers * slates,
            "labels": [[1, 0]] * readers * slates,
        }
    )
    clicks = pl.DataFrame(
        {"reader": [f"r{row:02}" for row in range(readers)], "row": 2, "at": 1, "known_at": 1},
        schema=CLICKS.schema,
    )
    data = data_of(SlateChoices.of(frame, ROWS, ClickHistory.of(clicks)))
    starts = set()
    for step in range(20):
        drawn = _slates(data.choices, np.random.default_rng(step))
        assert 1 <= len(np.unique(data.choices.reader[drawn])) <= 10
        assert 20 <= len(drawn) <= 40
        near = _drawn_near(1_000, READ_PAIRS, np.random.default_rng(step))
        assert near.max() - near.min() < 8 * READ_PAIRS
        starts.add(int(near.min()) // 100)
    assert len(starts) > 5


def test_an_empty_log_gives_empty_parts() -> None:
    none = SlateChoices.of(SLATES.head(0), ROWS, ClickHistory.of(CLICKS.head(0)))
    batch = TrainingBatch.draw(data_of(none), np.arange(9), 7, 0)
    assert batch.candidates.shape == (0, 4)
    assert batch.reads.shape == (0, 10)
    assert len(batch.described) == 9
