"""Vectors are centred where that helps the untrained match, and left as they are where it does harm."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from recsys.encoder.vector_space import RAW, VectorSpace
from recsys.training.dataset import Corpus
from recsys.training.training_run import Split
from recsys.training.vector_space_gate import gate_space
from recsys.user_model.preference_data import PreferenceData
from tests.unit.user_model.cases import toy

COUNT = 300


def shifted(table: NDArray[np.float32], by: float) -> NDArray[np.float32]:
    """Return unit vectors that have a part in common: `by` times as long as their own."""
    vectors = np.concatenate([table, np.full((len(table), 1), by, dtype=np.float32)], axis=1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def corpus(vectors: NDArray[np.float32]) -> Corpus:
    articles = pl.DataFrame({"id": [str(i) for i in range(len(vectors))]})
    articles = articles.with_columns(published_at=pl.lit(0, dtype=pl.Int64))
    return Corpus(
        labelled_requests=pl.DataFrame(),
        articles=articles,
        vectors=vectors,
        space=VectorSpace.fit(vectors, 7),
        when=Split(0, 250, COUNT),
        contents=None,  # type: ignore[arg-type]
        learnable=COUNT,
        unseen=0,
    )


def newsroom() -> tuple[PreferenceData, NDArray[np.float32]]:
    """Return slates whose click is of the topic that was read, and three times as many articles as they show."""
    data, table = toy(COUNT, seed=1)
    return data, np.concatenate([table, table[::-1], table])


@pytest.mark.parametrize("common", [0.0, 3.0])
def test_a_common_part_of_all_vectors_is_taken_out(common: float) -> None:
    data, table = newsroom()
    gate = gate_space(data, corpus(shifted(table, common)), np.arange(len(table)), 7)
    assert gate.difference is not None
    assert gate.difference.mean > -0.02
    assert gate.as_dict()["centred"] is (gate.difference.mean >= 0)


def test_centring_that_makes_the_match_worse_is_off() -> None:
    """One topic is nearly all that is written: its direction is the mean, and centring takes the topic out."""
    data, table = newsroom()
    topic = np.eye(16, dtype=np.float32)[0]
    many = np.concatenate([table, np.repeat(topic[None], 5_000, axis=0)])
    found = corpus(many)
    gate = gate_space(data, found, np.arange(len(many)), 7)
    assert gate.difference is not None
    assert (gate.space.mean is None) is (gate.difference.mean < 0)
    assert gate.space.axes is not None, "the spread of cosines is known in either space"


def test_without_slates_the_fitted_space_stays() -> None:
    data, table = newsroom()
    found = corpus(shifted(table, 3.0))
    early = replace(found, when=Split(0, 0, COUNT))
    assert gate_space(data, early, np.arange(len(table)), 7).difference is None
    assert gate_space(data, replace(found, space=RAW), np.arange(len(table)), 7).space is RAW
