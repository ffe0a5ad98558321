"""Topics of damaged articles, read by a tiny encoder."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from recsys.calibration.calibrator import Calibrator
from recsys.encoder.bert import TextEncoder
from recsys.experiments.topic_fidelity import (
    AUGMENTED,
    COMPARED,
    HEADLINE,
    LEAST_PER_TOPIC,
    WEIGHTED,
    WITH_ABSTRACT,
    TopicArticles,
    topic_articles,
    topic_fidelity,
)
from recsys.training.calibration import fit_detectors
from recsys.training.calibration.damaged_text import NoiseKind
from recsys.training.calibration.fit_detectors import fit_calibrator
from recsys.training.training_run import silent
from tests.trained import world

ARTICLES = world().articles[:110]


@pytest.fixture(scope="module")
def encoder(tiny_encoder: Path) -> TextEncoder:
    return TextEncoder(str(tiny_encoder), device="cpu")


@pytest.fixture(scope="module")
def folds() -> np.ndarray:
    return np.arange(ARTICLES.height) % 2


@pytest.fixture(scope="module")
def calibrator(encoder: TextEncoder) -> Calibrator:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_detectors, "DRAWS", 3)
        patch.setattr(fit_detectors, "TOKEN_EPOCHS", 1)
        return fit_calibrator(encoder, ARTICLES, seed=1)


@pytest.fixture(scope="module")
def data(encoder: TextEncoder, folds: np.ndarray) -> TopicArticles:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recsys.experiments.topic_fidelity.LEAST_PER_TOPIC", 10)
        found = topic_articles(encoder, ARTICLES, folds)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def found(encoder: TextEncoder, calibrator: Calibrator, data: TopicArticles) -> dict[str, Any]:
    return topic_fidelity(encoder, [calibrator, calibrator], data, seed=1, progress=silent)


def test_every_kind_is_measured_for_every_arm(found: dict[str, Any], data: TopicArticles) -> None:
    assert found["articles"] == data.articles.height
    assert set(found["fields"][WITH_ABSTRACT]["kinds"]) == {kind.value for kind in NoiseKind}
    headline = found["fields"][HEADLINE]
    assert set(headline["kinds"]) == {kind.value for kind in NoiseKind} - {"other abstract"}
    for figures in headline["kinds"].values():
        assert set(figures) == {*COMPARED, AUGMENTED}
    assert set(found["fields"][WITH_ABSTRACT]["undamaged"]) == {*COMPARED, AUGMENTED, WEIGHTED}
    assert headline["undamaged"]["off"]["cosine"] == pytest.approx(1, abs=1e-5)
    assert headline["undamaged"]["off"]["kept"] == 1
    assert headline["undamaged"]["off"] == headline["undamaged"]["oracle"], "nothing is injected"
    assert headline["clean"]["oracle"]["mean"] == 0
    random_words = headline["kinds"]["random words"]
    assert random_words["oracle"]["cosine"] > random_words["off"]["cosine"]


def test_the_recovered_share_is_gain_over_loss(
    encoder: TextEncoder, calibrator: Calibrator, data: TopicArticles
) -> None:
    found = topic_fidelity(encoder, [calibrator, calibrator], data, seed=2, progress=silent)["fields"][HEADLINE]
    mean = {arm: np.mean([each[arm]["accuracy"] for each in found["kinds"].values()]) for arm in ("off", "oracle")}
    lost = found["undamaged"]["off"]["accuracy"] - mean["off"]
    assert found["mean"]["lost"]["mean"] == pytest.approx(lost)
    assert found["mean"]["recovered"]["oracle"]["mean"] == pytest.approx((mean["oracle"] - mean["off"]) / lost)


def test_rare_topics_are_left_out_and_one_topic_is_none(encoder: TextEncoder) -> None:
    few = world().articles[:40].with_columns(category=pl.lit("all"))
    assert topic_articles(encoder, few, np.zeros(40, dtype=np.int64)) is None
    none = world().articles[: LEAST_PER_TOPIC - 1]
    assert topic_articles(encoder, none, np.zeros(none.height, dtype=np.int64)) is None


def test_articles_are_read_without_their_category(data: TopicArticles) -> None:
    assert data.articles["category"].is_null().all()
    assert len(data.topic) == data.articles.height
