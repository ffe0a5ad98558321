"""The token scorer on made-up observations with planted words."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.token_detector import (
    FLAGGED_TEXTS_CLEAN,
    TokenDetector,
    anomaly_score,
    fit_tokens,
    inner_tokens,
    token_batch,
)
from recsys.calibration.training_loop import FitConfig
from tests.unit.calibration.observations import normal, part

CONFIG = FitConfig(epochs=6, batch=1, learning_rate=3e-3)


def planted(texts: int, seed: int) -> tuple[Observation, NDArray[np.bool_]]:
    """Texts with a run of three words that receive more and look more evenly."""
    seen, rng = normal(texts, seed, shortest=8), np.random.default_rng(seed + 1)
    injected = np.zeros(seen.tokens.shape[:2], dtype=np.bool_)
    for text, length in enumerate(seen.lengths):
        start = int(rng.integers(1, length - 3))
        injected[text, start : start + 3] = True
    tokens = seen.tokens + np.float32(0.4) * injected[:, :, None, None, None]
    return replace(seen, tokens=tokens), injected


@pytest.fixture(scope="module")
def detector() -> TokenDetector:
    damaged, clean, limiting = planted(400, seed=1), normal(200, seed=2), normal(300, seed=3)
    nothing = np.zeros(clean.tokens.shape[:2], dtype=np.bool_)
    none_here = np.zeros(limiting.tokens.shape[:2], dtype=np.bool_)
    training = [token_batch(*damaged), token_batch(clean, nothing)]
    return fit_tokens(training, [token_batch(limiting, none_here)], CONFIG)


def test_planted_words_are_found(detector: TokenDetector) -> None:
    seen, injected = planted(200, seed=4)
    inner = inner_tokens(seen)
    assert roc_auc_score(injected[inner], detector.probabilities(seen)[inner]) > 0.9


def test_about_one_normal_word_in_twenty_is_flagged(detector: TokenDetector) -> None:
    seen = normal(600, seed=5)
    flagged = detector.probabilities(seen)[inner_tokens(seen)] > detector.threshold
    assert 0.03 < flagged.mean() < 0.07


def test_special_tokens_and_padding_have_probability_zero(detector: TokenDetector) -> None:
    seen = normal(50, seed=6)
    probability = detector.probabilities(seen)
    assert (probability[:, 0] == 0).all()
    assert (probability[np.arange(50), seen.lengths - 1] == 0).all()
    assert (probability[~seen.real] == 0).all()
    assert (probability[inner_tokens(seen)] > 0).all()
    assert probability.max() < 1


def test_padding_changes_no_probability(detector: TokenDetector) -> None:
    seen, _ = planted(40, seed=7)
    together = detector.probabilities(seen)
    for text in range(40):
        alone = detector.probabilities(part(seen, slice(text, text + 1)))[0]
        np.testing.assert_allclose(together[text, : len(alone)], alone, atol=1e-6)


def test_values_in_padding_do_not_matter(detector: TokenDetector) -> None:
    seen, _ = planted(10, seed=8)
    tokens = seen.tokens.copy()
    tokens[~seen.real] = 99
    dirty = replace(seen, tokens=tokens)
    np.testing.assert_allclose(detector.probabilities(dirty), detector.probabilities(seen), atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_texts_of_few_tokens_are_scored(detector: TokenDetector, length: int) -> None:
    probability = detector.probabilities(normal(3, seed=9, shortest=length, longest=length))
    assert (probability > 0).sum() == 3 * max(length - 2, 0)


def test_the_same_seed_trains_the_same_scorer() -> None:
    seen, injected = planted(60, seed=10)
    batch, quick = token_batch(seen, injected), FitConfig(epochs=2, batch=1)
    first, second = (fit_tokens([batch], [batch], quick) for _ in range(2))
    assert first.threshold == second.threshold
    np.testing.assert_array_equal(first.probabilities(seen), second.probabilities(seen))


@given(hnp.arrays(np.float64, (5, 9), elements=st.floats(0, 1)), st.integers(3, 9))
def test_evidence_is_the_mean_of_the_three_most_doubtful_words(
    probability: NDArray[np.float64], length: int
) -> None:
    probability[:, 0], probability[:, length - 1 :] = 0, 0
    inner = np.zeros((5, 9), dtype=np.bool_)
    inner[:, 1 : length - 1] = True
    speaks_against = anomaly_score(probability, inner)
    words = np.sort(np.clip(probability[:, 1 : length - 1], 1e-12, 1 - 1e-12), axis=1)[:, -3:]
    np.testing.assert_allclose(speaks_against, np.log(words / (1 - words)).mean(axis=1), rtol=1e-6, atol=1e-9)


def test_a_text_without_words_has_nothing_against_it() -> None:
    nothing = anomaly_score(np.zeros((2, 2)), np.zeros((2, 2), dtype=np.bool_))
    certain = anomaly_score(np.zeros((2, 2)), np.ones((2, 2), dtype=np.bool_))
    np.testing.assert_allclose(nothing, certain)


def test_few_normal_texts_are_suspect_and_damaged_ones_are(detector: TokenDetector) -> None:
    usual, (strange, _) = normal(600, seed=9), planted(200, seed=10)
    flagged_text = [
        anomaly_score(detector.probabilities(seen), inner_tokens(seen)) > detector.limit
        for seen in (usual, strange)
    ]
    assert flagged_text[0].mean() < 2 * FLAGGED_TEXTS_CLEAN
    assert flagged_text[1].mean() > 0.5
