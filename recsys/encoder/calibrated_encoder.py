"""Calibrated encoder: raw and calibrated article vectors, and attention statistics of every headline.

Every headline is encoded once with its attention observed. Those that the calibrator plans to adjust are encoded a
second time with the adjustment; for all others the calibrated vector is the raw one. The attention of topics and
abstracts is not calibrated, because the detectors are trained on headlines; abstracts that contradict their
headline count less if field weights are on. If calibration fails, only raw vectors are returned.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import HEAD, Observation
from recsys.calibration.breaker import Breaker
from recsys.calibration.calibrator import Calibration, Calibrator
from recsys.calibration.listener import Listener, ObservedBatch
from recsys.encoder.article_text import ArticleText, text_hash
from recsys.encoder.field_concat import FIELDS, concat_fields, context_vectors, encode_context_fields
from recsys.encoder.protocols import (
    Encoded,
    ModelEncoder,
    ObservingEncoder,
    TokenEncoder,
    Vectors,
    encode_parts,
)
from recsys.encoder.token_batches import adjusted, batches
from recsys.frames import ARTICLE_ATTENTION, conform

_COLUMNS = {
    "entropy": "entropy",
    "max": "max_weight",
    "first": "first_mass",
    "last": "last_mass",
    "distance": "distance",
}
"""Statistic of a head → its column in `frames.ARTICLE_ATTENTION`."""


@dataclass(frozen=True, slots=True)
class _Calibrated:
    """Calibrated batch. vectors: of the articles [b, 3d]; attention: b rows."""

    vectors: Vectors
    attention: pl.DataFrame


class CalibratedEncoder:
    """Encoder with a calibrator behind a circuit breaker.

    Args:
        encoder: provides the model and the raw vectors.
        calibration: the calibration to apply.
        breaker: switches the calibration off after a failure.
        listeners: receive every batch.
    """

    def __init__(
        self,
        encoder: ModelEncoder,
        calibration: Calibration,
        breaker: Breaker,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.breaker = breaker
        self._encoder = encoder
        self._calibration = calibration
        self._listeners = listeners

    @property
    def name(self) -> str:
        """Return the name of the calibrated vectors, or the raw name while the breaker is open."""
        raw = self._encoder.name
        return raw if self.breaker.open else self._calibration.name_of(raw)

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        """Return raw and calibrated vectors by name; only raw ones if the breaker is open or opens meanwhile.

        Raises:
            EncoderError: the model cannot be loaded, or its raw vectors are not finite.
        """
        if self.breaker.open or not texts:
            return self._encoder.encode(texts)
        model = self._encoder.loaded()
        tokens = model.tokenize([text.headline for text in texts])
        raw = np.zeros((len(texts), model.dim), dtype=np.float32)
        calibrated = np.zeros((len(texts), FIELDS * model.dim), dtype=np.float32)
        order, attention = [], []
        context = encode_context_fields(model, texts)
        for rows in batches(tokens):
            raw[rows], done = self._read_batch(model, [tokens[row] for row in rows], context[rows])
            if done is not None:
                calibrated[rows] = done.vectors
                order.append(rows)
                attention.append(done.attention)
        vectors = {self._encoder.name: concat_fields(raw, context)}
        if self.breaker.open:
            return Encoded(vectors)
        seen = pl.concat(attention)[np.argsort(np.concatenate(order))]
        return Encoded({**vectors, self.name: calibrated}, self._described(texts, seen))

    def encode_parts(self, parts: Sequence[Sequence[ArticleText]]) -> Iterator[Encoded]:
        """Implement `protocols.PartsEncoder`, if the encoder has other processes."""
        if self.breaker.open:
            yield from encode_parts(self._encoder, parts)
            return
        if len(parts) < 2 or not isinstance(self._encoder, ObservingEncoder):
            yield from map(self.encode, parts)
            return
        for part in self._encoder.observed_parts(parts, self._calibration):
            if part.failure is not None:
                self.breaker.trip(part.failure)
            for words, flagged in part.counts:
                if not self.breaker.open:
                    self.breaker.count(words, flagged)
            raw = self._encoder.name
            yield Encoded({raw: part.encoded.vectors[raw]}) if self.breaker.open else part.encoded

    def _described(self, texts: Sequence[ArticleText], attention: pl.DataFrame) -> pl.DataFrame:
        named = attention.with_columns(
            pl.lit(self._encoder.name).alias("model"),
            pl.lit(self._calibration.digest).alias("calibrator"),
            pl.Series("text_hash", [text_hash(text) for text in texts], dtype=pl.String),
        )
        return conform(named, ARTICLE_ATTENTION)

    def _read_batch(
        self, model: TokenEncoder, tokens: Sequence[list[int]], context: Vectors
    ) -> tuple[Vectors, _Calibrated | None]:
        """Return raw headlines [b, d] in any case, and calibrated articles unless calibration fails.

        context: topics and abstracts [b, 2, d].
        """
        if self.breaker.open:
            return model.encode_tokens(tokens), None
        try:
            raw, seen = model.observe_tokens(tokens, context=context_vectors(context))
        except Exception as error:  # if the model itself failed, the next line raises again
            raw = model.encode_tokens(tokens)
            self.breaker.trip(f"observation failed ({error!r})", error)
            return raw, None
        try:
            done = self._calibrate(model, tokens, _Observed(raw, context, seen))
        except Exception as error:  # the raw vectors are valid in any case
            self.breaker.trip(f"calibration failed ({error!r})", error)
            return raw, None
        return raw, None if self.breaker.open else done

    def _calibrate(self, model: TokenEncoder, tokens: Sequence[list[int]], given: "_Observed") -> _Calibrated:
        calibrator, seen = self._calibration.calibrator, given.seen
        began = time.perf_counter()
        found = calibrator.inspect(seen)
        plan = calibrator.plan(found)
        headlines = adjusted(model, tokens, given.raw, plan)
        context = weighted_context(calibrator, headlines, given.context, found.suspicious)
        vectors = concat_fields(headlines, context)
        seconds = time.perf_counter() - began
        if not _finite(found.score, found.probability, vectors):
            raise FloatingPointError("scores or calibrated vectors are not finite")
        self.breaker.count(found.words, found.flagged.sum(axis=1))
        reading = ObservedBatch(seen, found, plan, seconds)
        for listener in self._listeners:
            listener.saw(reading)
        return _Calibrated(vectors, _attention(reading))


@dataclass(frozen=True, slots=True)
class _Observed:
    """Batch before its calibration. raw: headlines [b, d]; context: topics and abstracts [b, 2, d]."""

    raw: Vectors
    context: Vectors
    seen: Observation


def weighted_context(
    calibrator: Calibrator, headlines_nd: Vectors, context_n2d: Vectors, suspicious: NDArray[np.bool_]
) -> Vectors:
    """Return topics and abstracts [n, 2, d] with the field weights of `calibrator`; suspicious: headlines [n]."""
    if not calibrator.strength.fields:
        return context_n2d
    abstracts_nd = calibrator.fields.apply(headlines_nd, context_n2d[:, 1], suspicious)
    return np.stack([context_n2d[:, 0], abstracts_nd], axis=1)


def _attention(reading: ObservedBatch) -> pl.DataFrame:
    """Return the attention row of each text."""
    means, found = reading.seen.heads.mean(axis=(1, 2), dtype=np.float64), reading.found
    columns = {_COLUMNS[name]: means[:, index] for index, name in enumerate(HEAD)}
    calibration = {"score": found.score, "flagged_share": found.flagged_share, "gated": reading.gated}
    return pl.DataFrame({**columns, **calibration})


def _finite(*arrays: NDArray[np.floating]) -> bool:
    return all(bool(np.isfinite(values).all()) for values in arrays)
