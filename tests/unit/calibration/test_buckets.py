import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.calibration import buckets


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
