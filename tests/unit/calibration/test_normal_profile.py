from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.calibration import normal_profile as buckets
from recsys.calibration.attention_statistics import Observation
from recsys.calibration.normal_profile import BINS, ENOUGH, RECEIVED_BINS, RECEIVED_MOST, Profile
from tests.unit.calibration.observations import HEADS, LAYERS, normal, part


def profile_of(*batches: Observation) -> Profile:
    profile = Profile(LAYERS, HEADS)
    for batch in batches:
        profile.add(batch)
    return profile


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60), st.lists(st.integers(1, 59), max_size=6), st.integers(0, 2**16))
def test_any_split_into_batches_gives_the_same_profile(texts: int, cuts: list[int], seed: int) -> None:
    seen = normal(texts, seed)
    edges = sorted({0, texts, *(cut for cut in cuts if cut < texts)})
    split = profile_of(*(part(seen, slice(low, high)) for low, high in pairwise(edges)))
    whole = profile_of(seen)
    np.testing.assert_array_equal(split.count, whole.count)
    np.testing.assert_array_equal(split.histogram, whole.histogram)
    np.testing.assert_array_equal(split.received, whole.received)
    np.testing.assert_allclose(split.mean, whole.mean, atol=1e-9)
    np.testing.assert_allclose(split.m2, whole.m2, atol=1e-9)


def test_moments_equal_numpy() -> None:
    seen = normal(500, seed=1)
    profile, bucket = (
        profile_of(part(seen, slice(0, 137)), part(seen, slice(137, 500))),
        buckets.bucket_of(seen.lengths),
    )
    heads = seen.heads.astype(np.float64)
    for each in range(buckets.COUNT):
        own = heads[bucket == each]
        assert profile.count[each] == len(own)
        if len(own):
            np.testing.assert_allclose(profile.mean[each], own.mean(axis=0), atol=1e-12)
            np.testing.assert_allclose(profile.variance()[each], own.var(axis=0), atol=1e-12)
    pooled = profile.pooled()
    np.testing.assert_allclose(pooled.mean[0], heads.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(pooled.variance()[3], heads.var(axis=0), atol=1e-12)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.95, 0.99])
def test_quantiles_are_within_a_bin_of_numpys(share: float) -> None:
    seen = normal(2000, seed=2, shortest=9, longest=12)
    bucket = int(buckets.bucket_of(np.array([10]))[0])
    profile = profile_of(seen)
    expected = np.quantile(seen.heads, share, axis=0, method="inverted_cdf")
    np.testing.assert_allclose(profile.quantile(share)[bucket], expected, atol=1 / BINS)
    received = np.quantile(seen.received[seen.real], share, method="inverted_cdf")
    found = profile.received_quantile(share)[bucket]
    assert abs(np.log2(1 + found) - np.log2(1 + received)) <= RECEIVED_MOST / RECEIVED_BINS


def test_values_at_the_edges_are_counted() -> None:
    seen = normal(3, seed=3, shortest=5, longest=5)
    seen.heads[0], seen.heads[1] = 0, 1
    seen.tokens[2, 0, ..., 0] = 1e6
    profile = profile_of(seen)
    assert (profile.histogram[0].sum(axis=-1) == 3).all()
    assert profile.histogram[0, ..., 0].min() >= 1
    assert profile.histogram[0, ..., -1].min() >= 1
    assert profile.received[0, -1] == 1
    assert profile.received.sum() == 15


def test_a_thin_bucket_is_judged_by_all_lengths() -> None:
    many, few = normal(ENOUGH, seed=4, shortest=9, longest=12), normal(ENOUGH - 1, seed=5, shortest=20, longest=24)
    few.heads[:] *= 0.5
    few.tokens[..., 0] *= 3
    profile = profile_of(many, few)
    thick, thin = buckets.bucket_of(np.array([10, 22]))
    pooled = profile.pooled()
    mean, deviation = profile.norm()
    np.testing.assert_array_equal(mean[thick], profile.mean[thick])
    np.testing.assert_array_equal(mean[thin], pooled.mean[thin])
    np.testing.assert_array_equal(mean[0], pooled.mean[0])  # nothing was seen of this one
    np.testing.assert_allclose(deviation[thin], np.sqrt(pooled.variance()[thin]))
    received = profile.received_quantile(0.5)
    assert np.isfinite(received).all()
    assert received[thin] == received[0] > received[thick]


def test_a_text_more_gives_a_bucket_its_own_norm() -> None:
    few = normal(ENOUGH, seed=5, shortest=20, longest=24)
    profile = profile_of(normal(200, seed=4, shortest=9, longest=12), few)
    mean, _ = profile.norm()
    own = int(buckets.bucket_of(np.array([22]))[0])
    np.testing.assert_allclose(mean[own], few.heads.astype(np.float64).mean(axis=0))


def test_normal_texts_are_standard_and_strange_ones_are_clipped() -> None:
    seen = normal(2000, seed=6, shortest=9, longest=12)
    scores = profile_of(seen).standardised(seen)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(scores.std(axis=0), 1, atol=1e-2)
    strange = Observation(seen.heads[:2] + 100, seen.tokens[:2], seen.lengths[:2], seen.coherence[:2])
    assert (profile_of(seen).standardised(strange) == 8).all()


def test_the_arrays_make_the_same_profile() -> None:
    profile = profile_of(normal(120, seed=7))
    arrays = profile.arrays()
    again = Profile.from_arrays(arrays)
    for name, values in again.arrays().items():
        np.testing.assert_array_equal(values, arrays[name])
        assert values.dtype == arrays[name].dtype
    again.add(normal(10, seed=8))
    assert profile.texts == 120  # a copy


def test_an_empty_profile_finds_nothing() -> None:
    profile = Profile(LAYERS, HEADS)
    assert profile.texts == 0
    assert (profile.variance() == 0).all()
    assert np.isnan(profile.quantile(0.5)).all()


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_a_quantile_is_linear_within_its_bin(share: float) -> None:
    seen = normal(100, seed=9, shortest=5, longest=5)
    seen.heads[:] = 0.5 + 0.9 / BINS * np.linspace(0, 1, 100)[:, None, None, None]
    np.testing.assert_allclose(profile_of(seen).quantile(share)[0], 0.5 + share / BINS)


@given(st.integers(1, 500))
def test_a_length_lies_within_the_label_of_its_bucket(length: int) -> None:
    label = buckets.label(int(buckets.bucket_of(np.array([length]))[0]))
    low, high = label.split("-") if "-" in label else (label.removesuffix("+"), "500")
    assert int(low) <= length <= int(high)


def test_buckets_are_numbered_by_length_and_keep_the_shape() -> None:
    lengths = np.arange(1, 201).reshape(2, 100)
    found = buckets.bucket_of(lengths)
    assert found.shape == lengths.shape
    assert (np.diff(found.ravel()) >= 0).all()
    assert set(found.ravel()) == set(range(buckets.COUNT))


def test_labels_join_without_gaps() -> None:
    labels = [buckets.label(bucket) for bucket in range(buckets.COUNT)]
    assert labels[:2] == ["1-8", "9-12"]
    assert labels[-1] == "65+"
    assert len(set(labels)) == buckets.COUNT
