"""The space of a publisher's article vectors: centring, the temperature of the match, and its file."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.encoder.vector_space import RAW, VectorSpace, load_space
from recsys.errors import BundleError


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def narrow_cone(rows: int = 400, dim: int = 16, seed: int = 3) -> NDArray[np.float32]:
    """Return vectors that have much in common, as those of language models."""
    own = np.random.default_rng(seed).normal(size=(rows, dim))
    return unit(own + 8.0 * np.eye(dim)[0])


def cosines(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]


def test_vectors_of_a_narrow_cone_differ_after_centring() -> None:
    raw = narrow_cone()
    moved = VectorSpace.fit(raw, seed=7).apply(raw)
    assert cosines(raw).mean() > 0.7
    assert abs(cosines(moved).mean()) < 0.02
    assert cosines(moved).std() > 3 * cosines(raw).std()
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1.0, atol=1e-5)


def test_the_temperature_is_the_spread_of_random_pairs() -> None:
    raw = narrow_cone(1_000, 64)
    space = VectorSpace.fit(raw, seed=7)
    assert space.inverse_temperature == pytest.approx(1 / cosines(space.apply(raw)).std(), rel=0.05)


def test_new_articles_are_moved_by_the_mean_of_the_fitted_ones() -> None:
    space = VectorSpace.fit(narrow_cone(), seed=7)
    one = narrow_cone(1, seed=9)
    np.testing.assert_array_equal(space.apply(one)[0], space.apply(np.vstack([one, narrow_cone(5)]))[0])


def test_few_articles_give_the_space_of_raw_vectors() -> None:
    raw = narrow_cone(50)
    assert VectorSpace.fit(raw, seed=7).mean is None
    np.testing.assert_array_equal(RAW.apply(raw), raw)


def test_a_vector_that_is_the_mean_becomes_zero_and_not_nan() -> None:
    mean = unit(np.ones((1, 4)))
    assert VectorSpace(mean[0]).apply(mean).tolist() == [[0.0, 0.0, 0.0, 0.0]]


@pytest.mark.parametrize("space", [RAW, VectorSpace.fit(narrow_cone(), seed=7)])
def test_a_saved_space_moves_vectors_as_before(tmp_path: Path, space: VectorSpace) -> None:
    space.save(tmp_path / "space")
    again = load_space(tmp_path / "space")
    np.testing.assert_array_equal(again.apply(narrow_cone(9)), space.apply(narrow_cone(9)))
    assert again.inverse_temperature == pytest.approx(space.inverse_temperature, rel=1e-6)
    assert again.digest == space.digest


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "space").write_bytes(b"no")
    with pytest.raises(BundleError, match="train a new bundle"):
        load_space(tmp_path / "space")


def test_spaces_agree_if_both_are_raw_or_their_means_are_close() -> None:
    one, other = (VectorSpace.fit(narrow_cone(seed=seed), seed=7) for seed in (3, 4))
    turned = VectorSpace(np.roll(one.mean, 3))  # type: ignore[arg-type]
    assert one.agrees_with(other)
    assert RAW.agrees_with(VectorSpace(inverse_temperature=5.0))
    assert not one.agrees_with(RAW)
    assert not RAW.agrees_with(one)
    assert not one.agrees_with(turned)
