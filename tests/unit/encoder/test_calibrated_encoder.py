"""Raw vectors, calibrated ones, statistics, and what happens when calibration fails."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.breaker import LEAST, Breaker
from recsys.calibration.calibrator import Calibration, Calibrator, Inspection, Plan, Strength
from recsys.calibration.calibrator_files import calibration_of
from recsys.calibration.field_weights import FieldWeights
from recsys.calibration.listener import Listener, ObservedBatch
from recsys.encoder import token_batches
from recsys.encoder.article_text import ArticleText, text_hash
from recsys.encoder.bert import TextEncoder
from recsys.encoder.calibrated_encoder import CalibratedEncoder
from recsys.encoder.field_concat import article_vectors
from recsys.encoder.protocols import Encoded, Vectors
from recsys.errors import EncoderError
from recsys.frames import ARTICLE_ATTENTION
from tests.calibrated import eager
from tests.hashed import DIM, HashModel, hashed
from tests.trained import HashEncoder
from tests.unit.calibration.small import small_calibrator

TEXTS = [
    ArticleText("sport: One", "sport"),
    ArticleText("world: Two words", "world", "What happened"),
    ArticleText("sport: A title that is longer than all of the others", "sport"),
    ArticleText("world: Three"),
]
RAW = HashEncoder.name


class Heard:
    """Keeps its messages."""

    def __init__(self) -> None:
        self.readings: list[ObservedBatch] = []

    def saw(self, reading: ObservedBatch) -> None:
        self.readings.append(reading)


class Using(HashEncoder):
    """A given model, so that it can be made to fail."""

    def __init__(self, model: HashModel) -> None:
        super().__init__()
        self.model = model

    def loaded(self) -> HashModel:
        return self.model


def reader(calibration: Calibration, model: HashModel | None = None, *listeners: Listener) -> CalibratedEncoder:
    breaker = Breaker(calibration.flag_rate)
    return CalibratedEncoder(Using(model or HashModel()), calibration, breaker, listeners)


def test_as_shipped_the_vectors_are_exactly_the_raw_ones_and_texts_are_watched_all_the_same() -> None:
    shipped = reader(calibration_of(small_calibrator()))
    encoded = shipped.encode(TEXTS)
    assert shipped.name == RAW
    assert list(encoded.vectors) == [RAW]
    np.testing.assert_array_equal(encoded.vectors[RAW], hashed(TEXTS))
    assert encoded.attention is not None
    assert not encoded.attention["gated"].any()
    assert encoded.attention.schema == ARTICLE_ATTENTION


def test_the_text_encoder_gives_with_a_calibrator_of_no_strength_what_it_gives_alone(
    encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real encoder has more heads than this calibrator, which therefore is not used."""
    calm = calibration_of(small_calibrator())
    blank = Inspection(*(np.zeros(0) for _ in range(9)))  # type: ignore[arg-type]

    def inspect(_: Calibrator, seen: Observation) -> Inspection:
        grid = np.zeros(seen.tokens.shape[:2])
        no = grid.astype(bool)
        return replace(
            blank, score=grid[:, 0], probability=grid, flagged=no, over=no, under_attended=no,
            anomalous=no[:, 0], flagged_text=no[:, 0], head_excess=np.zeros(seen.heads.shape[:3]),
            lengths=seen.lengths,
        )  # fmt: skip

    monkeypatch.setattr(Calibrator, "inspect", inspect)

    class Real:
        name = "real"

        def encode(self, texts: Sequence[ArticleText]) -> Encoded:
            return Encoded({"real": article_vectors(encoder, texts)})

        def loaded(self) -> TextEncoder:
            return encoder

    watched = CalibratedEncoder(Real(), calm, Breaker(calm.flag_rate)).encode(TEXTS)
    np.testing.assert_allclose(watched.vectors["real"], article_vectors(encoder, TEXTS), atol=1e-6)
    assert watched.attention is not None
    assert watched.attention["entropy"].is_between(0, 1).all()


def test_with_field_weights_only_an_abstract_that_contradicts_its_headline_changes() -> None:
    fields = FieldWeights(0.9, 0.95)  # only a nearly equal abstract is normal
    calm = replace(small_calibrator(), strength=Strength(fields=True), fields=fields)
    calm = replace(calm, tokens=replace(calm.tokens, limit=100.0))  # no headline is suspicious
    encoded = reader(calibration_of(calm)).encode(TEXTS)
    raw, weighted = (vectors.reshape(len(TEXTS), 3, DIM) for vectors in encoded.vectors.values())
    np.testing.assert_allclose(weighted[1, 2], raw[1, 0], atol=1e-6)  # the headline in its place
    assert not np.allclose(raw[1, 2], raw[1, 0])
    others = np.asarray([0, 2, 3])
    np.testing.assert_array_equal(weighted[others], raw[others])
    np.testing.assert_array_equal(weighted[:, :2], raw[:, :2])


def test_field_weights_leave_the_abstract_of_a_suspicious_headline() -> None:
    eager_one = eager().calibrator
    strength = Strength(fields=True)
    fields = FieldWeights(0.9, 0.95)
    encoded = reader(calibration_of(replace(eager_one, strength=strength, fields=fields), 1.0)).encode(TEXTS)
    raw, weighted = encoded.vectors.values()
    np.testing.assert_array_equal(raw, weighted)


def test_adjusted_texts_are_encoded_again_under_a_name_of_their_own() -> None:
    calibration = eager()
    encoded = reader(calibration).encode(TEXTS)
    name = f"{RAW}+{calibration.digest}"
    assert calibration.name_of(RAW) == name
    assert set(encoded.vectors) == {RAW, name}
    np.testing.assert_array_equal(encoded.vectors[RAW], hashed(TEXTS))
    assert encoded.attention is not None
    assert encoded.attention["gated"].all()
    assert (np.abs(encoded.vectors[name] - encoded.vectors[RAW]).max(axis=1) > 1e-3).all()


def test_texts_that_no_plan_touches_keep_their_raw_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Calibrator.plan

    def first_only(calibrator: Calibrator, found: Inspection) -> Plan | None:
        whole = plan(calibrator, found)
        assert whole is not None
        return Plan(whole.rows[:1], whole.log_gate[:1], whole.mix[:1], whole.cut[:1])

    monkeypatch.setattr(Calibrator, "plan", first_only)
    encoded = reader(eager()).encode(TEXTS)
    raw, calibrated = encoded.vectors.values()
    assert encoded.attention is not None
    gated = encoded.attention["gated"].to_numpy()
    assert gated.sum() == 1
    np.testing.assert_array_equal((raw != calibrated).any(axis=1), gated)


def test_rows_stand_in_the_order_of_the_texts_however_they_are_batched(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reader(eager()).encode(TEXTS)
    monkeypatch.setattr(token_batches, "TOKENS_PER_BATCH", 4)
    heard = Heard()
    small = reader(eager(), None, heard).encode(TEXTS)
    assert len(heard.readings) > 1
    assert whole.attention is not None
    assert small.attention is not None
    assert small.attention["text_hash"].to_list() == [text_hash(text) for text in TEXTS]
    for name, values in whole.attention.to_dict().items():
        if values.dtype.is_float():
            np.testing.assert_allclose(small.attention[name], values, rtol=1e-5)
    for name, vectors in whole.vectors.items():
        np.testing.assert_allclose(small.vectors[name], vectors, atol=1e-6)


def test_the_statistics_are_means_over_heads_and_what_the_detectors_say() -> None:
    model, calibration = HashModel(), eager()
    _, seen = model.observe_tokens(model.tokenize([text.headline for text in TEXTS]))
    found = calibration.calibrator.inspect(seen)
    attention = reader(calibration).encode(TEXTS).attention
    assert attention is not None
    columns = ["entropy", "max_weight", "first_mass", "last_mass", "distance"]
    np.testing.assert_allclose(attention.select(columns).to_numpy(), seen.heads.mean(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(attention["score"], found.score, rtol=1e-5)
    np.testing.assert_allclose(attention["flagged_share"], found.flagged_share)
    assert attention["calibrator"].unique().to_list() == [calibration.digest]


def test_no_texts_load_no_model() -> None:
    assert reader(eager(), model=None).encode([]).vectors[RAW].shape[0] == 0


def test_listeners_hear_of_every_batch() -> None:
    heard = Heard()
    reader(eager(), None, heard).encode(TEXTS)
    (reading,) = heard.readings
    assert reading.plan is not None
    assert len(reading.plan.rows) == len(reading.found) == len(reading.seen) == len(TEXTS)
    assert reading.seconds > 0


class Failing(HashModel):
    """Fails where a test wants it, once it does."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def observe_tokens(
        self, tokens: Sequence[list[int]], *, context: Vectors | None = None
    ) -> tuple[Vectors, Observation]:
        if self.where == "watching":
            raise RuntimeError("no kernel")
        vectors, seen = super().observe_tokens(tokens, context=context)
        if self.where == "nan statistics":
            seen.heads[0, 0, 0, 0] = np.nan
        return vectors, seen

    def encode_tokens(self, tokens: Sequence[list[int]], plan: Plan | None = None) -> Vectors:
        if plan is not None and self.where == "second pass":
            raise EncoderError("vectors that are not finite")
        if self.where == "model":
            raise EncoderError("no model")
        vectors = super().encode_tokens(tokens, plan)
        if plan is not None and self.where == "nan vectors":
            vectors[0, 0] = np.inf
        return vectors


def raising(*_: Any) -> Any:
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize("where", ["watching", "nan statistics", "second pass", "nan vectors", "inspect", "plan"])
def test_whatever_fails_opens_the_breaker_once_and_leaves_the_raw_vectors(
    where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if where in ("inspect", "plan"):
        monkeypatch.setattr(Calibrator, where, raising)
    monkeypatch.setattr(token_batches, "TOKENS_PER_BATCH", 4)  # several batches: the first failure is the last
    broken = reader(eager(), Failing(where))
    encoded = broken.encode(TEXTS)
    assert broken.breaker.open
    assert broken.name == RAW
    assert list(encoded.vectors) == [RAW]
    np.testing.assert_array_equal(encoded.vectors[RAW], hashed(TEXTS))
    assert encoded.attention is None
    again = broken.encode(TEXTS)
    np.testing.assert_array_equal(again.vectors[RAW], hashed(TEXTS))
    assert again.attention is None
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "raw vectors are served" in record.message


def test_a_listener_that_fails_counts_as_a_failure_of_calibration() -> None:
    class Deaf:
        saw = raising

    broken = reader(eager(), None, Deaf())
    assert list(broken.encode(TEXTS).vectors) == [RAW]
    assert broken.breaker.open


def test_a_model_that_fails_is_not_the_breakers_business() -> None:
    broken = reader(eager(), Failing("model"))
    with pytest.raises(EncoderError, match="no model"):
        broken.encode(TEXTS)
    assert not broken.breaker.open


def test_a_flood_of_flagged_words_opens_the_breaker() -> None:
    texts = [ArticleText(f"sport: Title number {number}") for number in range(LEAST)]
    flooded = reader(eager(flag_rate=0.05))
    assert len(flooded.encode(texts[:-1]).vectors) == 2, "too few texts to tell"
    assert list(flooded.encode(texts[-1:]).vectors) == [RAW]
    assert flooded.breaker.reason is not None
    assert "are flagged" in flooded.breaker.reason


def test_the_usual_share_of_flagged_words_is_no_flood() -> None:
    texts = [ArticleText(f"sport: Title number {number}") for number in range(3 * LEAST)]
    usual = reader(eager(flag_rate=0.5))
    assert len(usual.encode(texts).vectors) == 2
    assert not usual.breaker.open
