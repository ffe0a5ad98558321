"""Abstracts that contradict their headlines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.calibration.field_weights import FieldWeights

DIM = 16


def units(count: int, seed: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def near(vectors: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    mixed = vectors + 0.5 * units(len(vectors), seed)
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), dtype=np.float32)


NONE = np.zeros(200, dtype=np.bool_)


@pytest.fixture(scope="module")
def fitted() -> FieldWeights:
    headlines = units(2_000, 1)
    return FieldWeights.fitted(headlines, near(headlines, 2))


def test_few_normal_articles_change(fitted: FieldWeights) -> None:
    headlines = units(200, 3)
    abstracts = near(headlines, 4)
    changed = (fitted.apply(headlines, abstracts, NONE) != abstracts).any(axis=1)
    assert changed.mean() <= 0.1


def test_another_articles_abstract_counts_as_the_headline(fitted: FieldWeights) -> None:
    headlines = units(200, 5)
    strangers = near(units(200, 6), 7)
    found = fitted.apply(headlines, strangers, NONE)
    assert np.mean((found * headlines).sum(axis=1) > 0.99) > 0.9
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_a_flagged_headline_takes_nothing_from_its_abstract(fitted: FieldWeights) -> None:
    headlines, strangers = units(200, 8), units(200, 9)
    np.testing.assert_array_equal(fitted.apply(headlines, strangers, ~NONE), strangers)


def test_a_missing_abstract_stays_missing(fitted: FieldWeights) -> None:
    missing = np.zeros((200, DIM), dtype=np.float32)
    np.testing.assert_array_equal(fitted.apply(units(200, 10), missing, NONE), missing)


def test_without_abstracts_to_learn_from_nothing_changes() -> None:
    nothing = FieldWeights.fitted(units(5, 1), np.zeros((5, DIM), dtype=np.float32))
    headlines, abstracts = units(200, 11), units(200, 12)
    np.testing.assert_array_equal(nothing.apply(headlines, abstracts, NONE), abstracts)


@given(st.integers(0, 2**31), st.floats(-1, 1), st.floats(0, 1))
def test_the_weight_falls_with_the_cosine(seed: int, low: float, width: float) -> None:
    weights = FieldWeights(low, low + width)
    headlines, abstracts = units(200, seed), units(200, seed + 1)
    order = np.argsort((headlines * abstracts).sum(axis=1))
    assert (np.diff(weights.lost(headlines, abstracts, NONE)[order]) <= 1e-12).all()
