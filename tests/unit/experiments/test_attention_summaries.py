"""Extracts of meetings: material, distractors, and the weight of a sentence in an extract."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from recsys.calibration.model_calibrator import HookedModel
from recsys.digest.layouts.turn_rows import QmsumMeeting, qmsum_meeting
from recsys.errors import DataError
from recsys.experiments.attention_tasks import summaries
from recsys.experiments.attention_tasks.meeting_material import (
    LEAST_MEETINGS,
    NOTICE,
    Material,
    material,
    passages,
)
from recsys.experiments.attention_tasks.summaries import Summaries, read_material

TURNS, SPAN = 60, (20, 39)


def spoken(number: int) -> QmsumMeeting:
    """A meeting whose twenty middle turns are about its own subject."""
    lines = [f"we talk about thing {number} number {turn} for a while ." for turn in range(TURNS)]
    for turn in range(SPAN[0], SPAN[1] + 1):
        lines[turn] = f"the price of product {number} is {turn} euros today ."
    query = {
        "query": f"What is the price of product {number}?",
        "answer": f"The price of product {number} is 25 euros.",
        "relevant_text_span": [list(map(str, SPAN))],
    }
    return qmsum_meeting(
        {
            "topic_list": [],
            "general_query_list": [],
            "specific_query_list": [query],
            "meeting_transcripts": [{"speaker": "A", "content": text} for text in lines],
        }
    )


def encoded(texts: Sequence[str]) -> NDArray[np.float32]:
    vectors = np.random.default_rng(0).normal(size=(len(texts), 80)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def data() -> Material:
    return material([spoken(number) for number in range(LEAST_MEETINGS)], encoded)


@pytest.fixture(scope="module")
def task(data: Material) -> Summaries:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, "_FIT", summaries.FitConfig(epochs=1))
        patch.setattr(summaries, "_EXAMPLES", (2, 2, 2, 2))
        return Summaries(data, seed=0)


def test_relevant_passages_lie_in_the_span_of_the_query(data: Material) -> None:
    query = data.queries[3]
    inside, outside = passages(query, np.random.default_rng(0))
    assert set(np.concatenate(inside) - query.rows[0]) <= set(range(SPAN[0], SPAN[1] + 1))
    assert not set(np.concatenate(outside) - query.rows[0]) & set(range(SPAN[0], SPAN[1] + 1))
    assert (data.meeting[query.rows] == 3).all()
    assert data.meeting[query.row] == -1
    assert query.rows[np.argmax(query.shared)] == query.rows[25]


def test_every_row_of_the_table_is_a_sentence_a_query_or_a_distractor(data: Material) -> None:
    rows = np.concatenate(
        [
            *(query.rows for query in data.queries),
            *data.distractors.values(),
            [query.row for query in data.queries],
        ]
    )
    assert sorted(rows) == list(range(1, len(data.vectors)))
    assert not data.vectors[0].any()


@pytest.mark.parametrize("kind", [*Summaries.trained_kinds, *Summaries.held_out_kinds])
def test_distractors_are_added_and_nothing_is_lost(task: Summaries, data: Material, kind: str) -> None:
    found = task.damage(task.test, kind, np.random.default_rng(0))
    rows, relevant = found.batch["rows"].numpy(), found.batch["relevant"].numpy()
    for number, before in enumerate(task.test.batch["rows"].numpy()):
        before = before[before != 0]
        kept = (rows[number] != 0) & ~found.mask[number]
        np.testing.assert_array_equal(rows[number][kept], before)
        added = rows[number][found.mask[number]]
        assert len(added) == (len(before) - 1) // 3
        assert not relevant[number][found.mask[number]].any()
        assert relevant[number].sum() == task.test.batch["relevant"][number].sum()
        if kind == "doubled":
            np.testing.assert_array_equal(added, rows[number][np.flatnonzero(found.mask[number]) - 1])
        if kind == "other meeting":
            assert task.test.group[number] not in data.meeting[added]
            assert set(data.meeting[added]) <= set(task.test.group)
        if kind == NOTICE:
            assert set(added) <= set(data.distractors[NOTICE])
    assert not found.mask[:, 0].any()


def test_a_sentence_that_is_left_out_is_not_in_the_extract(task: Summaries) -> None:
    batch = task.test.batch
    hooked = HookedModel(task.model)
    gate = np.zeros(batch["rows"].shape)
    chosen = hooked.plain(batch).topk(1, dim=1).indices.numpy()
    np.put_along_axis(gate, chosen, -30.0, axis=1)
    gated = hooked.gated(batch, gate)
    assert not (gated.topk(5, dim=1).indices.numpy() == chosen).any()


def test_the_score_compares_five_sentences(task: Summaries) -> None:
    batch = task.test.batch
    assert (task.score(batch["relevant"], batch) == 1).all()
    assert (task.score(-batch["relevant"] + (batch["rows"] != 0).float(), batch) < 1).all()
    assert torch.all(batch["relevant"].sum(dim=1) <= 5)


def test_too_few_meetings_are_refused_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give more of QMSum"):
        material([spoken(0)], encoded)
    with pytest.raises(DataError, match="cannot be read"):
        read_material(tmp_path / "none.jsonl")
