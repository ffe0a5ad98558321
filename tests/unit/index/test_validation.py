import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recsys.errors import DataError
from recsys.index.validation import check_k, entries, unit_vectors

VECTORS = arrays.arrays(
    np.float32, st.tuples(st.integers(0, 5), st.just(4)), elements=st.floats(-1e6, 1e6, width=32)
)


@given(VECTORS)
@settings(deadline=None, max_examples=60)
def test_rows_get_length_one_or_stay_zero(vectors: np.ndarray) -> None:
    lengths = np.linalg.norm(unit_vectors(vectors, 4), axis=1)
    zero = ~vectors.any(axis=1)
    assert np.all(lengths[zero] == 0)
    assert lengths[~zero] == pytest.approx(1)


def test_direction_is_kept_also_of_tiny_and_huge_vectors() -> None:
    for scale in (1e-30, 1.0, 1e30):
        assert unit_vectors(np.array([[3.0, 4.0]]) * scale, 2)[0] == pytest.approx([0.6, 0.8])


def test_half_precision_is_taken() -> None:
    names, stored = entries(["a"], np.array([[3.0, 4.0]], dtype=np.float16), 2)
    assert names == ["a"]
    assert stored.dtype == np.float32
    assert stored[0] == pytest.approx([0.6, 0.8])


def test_caller_keeps_its_array() -> None:
    given_array = np.array([[3.0, 4.0]], dtype=np.float32)
    entries(["a"], given_array, 2)
    assert given_array.tolist() == [[3.0, 4.0]]


def test_last_of_a_repeated_id_is_kept_in_place_of_the_first() -> None:
    names, stored = entries(["a", "b", "a"], np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]), 2)
    assert names == ["a", "b"]
    assert stored.tolist() == [[-1.0, 0.0], [0.0, 1.0]]


def test_error_names_what_was_expected_and_what_came() -> None:
    with pytest.raises(DataError, match=r"of 3 numbers, got an array of shape \(1, 2\)"):
        unit_vectors(np.zeros((1, 2)), 3)
    with pytest.raises(DataError, match="2 ids for 1 vectors"):
        entries(["a", "b"], np.zeros((1, 2)), 2)
    with pytest.raises(DataError, match="2 vectors hold NaN or infinity, the first is row 1"):
        unit_vectors(np.array([[0.0], [np.nan], [-np.inf]]), 1)


@pytest.mark.parametrize("k", [0, -1])
def test_search_for_nothing_is_refused(k: int) -> None:
    with pytest.raises(DataError, match="k ≥ 1"):
        check_k(k)
