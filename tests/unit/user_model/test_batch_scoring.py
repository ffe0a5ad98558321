from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from recsys.user_model.batch_scoring import EncodedSlates, parts, scores, shuffled_by_length
from recsys.user_model.preference_network import PreferenceNetwork
from tests.unit.user_model.cases import TINY, toy


@given(lengths=st.lists(st.integers(1, 50), max_size=300), size=st.integers(1, 9), seed=st.integers(0, 2**32 - 1))
def test_every_history_is_in_one_batch(lengths: list[int], size: int, seed: int) -> None:
    batches = shuffled_by_length(np.asarray(lengths, dtype=np.int64), size, np.random.default_rng(seed))
    assert all(1 <= len(batch) <= size for batch in batches)
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))


def test_a_batch_holds_histories_of_like_length() -> None:
    lengths = np.random.default_rng(1).integers(1, 51, size=4_000)
    batches = shuffled_by_length(lengths, 32, np.random.default_rng(2))
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded < 1.1 * lengths.sum()


def test_batches_follow_the_seed_and_differ_from_epoch_to_epoch() -> None:
    lengths = np.random.default_rng(1).integers(1, 51, size=1_000)
    one, two = np.random.default_rng(3), np.random.default_rng(3)
    first, again = shuffled_by_length(lengths, 64, one), shuffled_by_length(lengths, 64, two)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]
    second = shuffled_by_length(lengths, 64, one)
    assert {frozenset(batch.tolist()) for batch in first}.isdisjoint(frozenset(batch.tolist()) for batch in second)


def test_parts_keep_the_order() -> None:
    assert [part.tolist() for part in parts(np.arange(5), 2)] == [[0, 1], [2, 3], [4]]
    assert parts(np.arange(0), 2) == []


def test_slates_encoded_once_score_under_every_calibration_as_if_encoded_anew() -> None:
    torch.manual_seed(4)
    network, (data, table) = PreferenceNetwork(TINY).eval(), toy(40, seed=2)
    slates, vectors = np.random.default_rng(3).permutation(40)[:30], torch.from_numpy(table)
    encoded = EncodedSlates.of(network, data, slates, vectors)
    for calibration in ({}, {"temperature": 0.5}, {"dwell_weight": 4.0}, {"keep": 0.5}):
        calibrated = network.calibrated(replace(TINY, **calibration))
        expected = scores(calibrated, data, slates, vectors)
        np.testing.assert_array_equal(encoded.scores(calibrated), expected)
    assert not np.array_equal(encoded.scores(network), expected), "a calibration changes the scores"
