"""Content of inputs: unusual inputs are found without any example of their damage."""

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.calibration.input_content import AXES, UNUSUAL, ContentProfile

EXAMPLES, POSITIONS, NUMBERS = 300, 6, 40


def drawn(rng: np.random.Generator, examples: int = EXAMPLES) -> NDArray[np.float32]:
    """Examples [B, N, C] in few dimensions, each with a topic that all its inputs share."""
    directions = np.random.default_rng(0).normal(size=(8, NUMBERS))
    topic = rng.normal(size=(examples, 1, 8))
    own = 0.3 * rng.normal(size=(examples, POSITIONS, 8))
    return ((topic + own) @ directions).astype(np.float32)


def unusual(profile: ContentProfile, content: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    features = profile.features(content, np.ones(content.shape[:2], dtype=np.bool_))
    assert features.shape == (*content.shape[:2], profile.size)
    return dict(zip(UNUSUAL, np.moveaxis(features[..., -len(UNUSUAL) :], -1, 0), strict=True))


@pytest.fixture(params=[True, False], ids=["by position", "pooled"])
def profile(request: pytest.FixtureRequest) -> ContentProfile:
    content = drawn(np.random.default_rng(1))
    return ContentProfile.of([content], [np.ones(content.shape[:2], dtype=np.bool_)], fixed=request.param)


def test_content_outside_the_normal_dimensions_has_a_large_residual(profile: ContentProfile) -> None:
    content = drawn(np.random.default_rng(2))
    content[:, 2] = np.random.default_rng(3).normal(size=(EXAMPLES, NUMBERS))
    residual = unusual(profile, content)["residual"]
    assert residual[:, 2].min() > np.delete(residual, 2, axis=1).max()


def test_an_input_of_another_example_is_a_surprise_though_it_is_normal_alone(profile: ContentProfile) -> None:
    rng = np.random.default_rng(4)
    content = drawn(rng)
    content[:, 2] = drawn(rng)[:, 2]
    found = unusual(profile, content)
    others = np.delete(found["surprise"], [1, 2, 3], axis=1)
    assert np.median(found["surprise"][:, 2]) > np.quantile(others, 0.9)
    assert abs(np.median(found["distance"][:, 2]) - np.median(found["distance"][:, 5])) < 0.5


def test_padding_changes_nothing() -> None:
    content = drawn(np.random.default_rng(1))
    inner = np.ones(content.shape[:2], dtype=np.bool_)
    profile = ContentProfile.of([content], [inner], fixed=False)
    padded = np.pad(content, ((0, 0), (0, 3), (0, 0)))
    features = profile.features(padded, np.pad(inner, ((0, 0), (0, 3))))
    np.testing.assert_allclose(features[:, :POSITIONS], profile.features(content, inner), atol=1e-5)


def test_few_examples_have_fewer_axes() -> None:
    content = drawn(np.random.default_rng(1), examples=2)
    profile = ContentProfile.of([content], [np.ones((2, POSITIONS), dtype=np.bool_)], fixed=False)
    assert 0 < len(profile.axes) < min(AXES, 2 * POSITIONS)
