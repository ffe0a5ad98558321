"""Articles → raw and calibrated vectors, and what attention did with every headline.

Every headline is read once, watched. Those that the calibrator plans to adjust are read a second time, adjusted;
for all others the calibrated vector is the raw one. Topics and abstracts are read as they are: the detectors know
headlines. If calibration fails, the raw vectors are all there is.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import HEAD, Observation
from recsys.calibration.breaker import Breaker
from recsys.calibration.calibrator import Calibration
from recsys.calibration.listener import Listener, ObservedBatch
from recsys.encoder.article_text import ArticleText, text_hash
from recsys.encoder.field_concat import concat_fields, encode_context_fields
from recsys.encoder.protocols import Encoded, ModelEncoder, TokenEncoder, Vectors
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
    """One batch that went well. vectors: [b, d]; attention: b rows."""

    vectors: Vectors
    attention: pl.DataFrame


class CalibratedEncoder:
    """An encoder with a calibrator, behind a breaker.

    Args:
        encoder: gives the model and the raw vectors.
        calibration: what to adjust.
        breaker: switches it off when something goes wrong.
        listeners: told of every batch.
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
        """The raw name too while the breaker is open: then nothing is calibrated."""
        raw = self._encoder.name
        return raw if self.breaker.open else self._calibration.name_of(raw)

    def read(self, texts: Sequence[ArticleText]) -> Encoded:
        """Raw vectors and calibrated ones, under their names; only the raw ones if the breaker is, or gets, open.

        Raises:
            EncoderError: the model cannot be loaded, or its raw vectors are not finite.
        """
        if self.breaker.open or not texts:
            return self._encoder.read(texts)
        model = self._encoder.loaded()
        tokens = model.tokenize([text.headline for text in texts])
        raw = np.zeros((len(texts), model.dim), dtype=np.float32)
        calibrated, order, attention = raw.copy(), [], []
        for rows in batches(tokens):
            raw[rows], done = self._read_batch(model, [tokens[row] for row in rows])
            if done is not None:
                calibrated[rows] = done.vectors
                order.append(rows)
                attention.append(done.attention)
        others = encode_context_fields(model, texts)
        vectors = {self._encoder.name: concat_fields(raw, others)}
        if self.breaker.open:
            return Encoded(vectors)
        seen = pl.concat(attention)[np.argsort(np.concatenate(order))]
        return Encoded({**vectors, self.name: concat_fields(calibrated, others)}, self._described(texts, seen))

    def _described(self, texts: Sequence[ArticleText], attention: pl.DataFrame) -> pl.DataFrame:
        named = attention.with_columns(
            pl.lit(self._encoder.name).alias("model"),
            pl.lit(self._calibration.digest).alias("calibrator"),
            pl.Series("text_hash", [text_hash(text) for text in texts], dtype=pl.String),
        )
        return conform(named, ARTICLE_ATTENTION)

    def _read_batch(self, model: TokenEncoder, tokens: Sequence[list[int]]) -> tuple[Vectors, _Calibrated | None]:
        """Raw vectors whatever happens, and the calibrated ones if all goes well."""
        if self.breaker.open:
            return model.encode_tokens(tokens), None
        try:
            raw, seen = model.observe_tokens(tokens)
        except Exception as error:  # watching, or the model itself? If that, the next line raises it
            raw = model.encode_tokens(tokens)
            self.breaker.trip(f"watching failed ({error!r})", error)
            return raw, None
        try:
            done = self._calibrate(model, tokens, raw, seen)
        except Exception as error:  # whatever it was, the raw vectors are good
            self.breaker.trip(f"calibration failed ({error!r})", error)
            return raw, None
        return raw, None if self.breaker.open else done

    def _calibrate(
        self, model: TokenEncoder, tokens: Sequence[list[int]], raw: Vectors, seen: Observation
    ) -> _Calibrated:
        began = time.perf_counter()
        found = self._calibration.calibrator.inspect(seen)
        plan = self._calibration.calibrator.plan(found)
        vectors = adjusted(model, tokens, raw, plan)
        seconds = time.perf_counter() - began
        if not _finite(found.score, found.probability, vectors):
            raise FloatingPointError("scores or calibrated vectors are not finite")
        self.breaker.count(found.words, found.flagged.sum(axis=1))
        reading = ObservedBatch(seen, found, plan, seconds)
        for listener in self._listeners:
            listener.saw(reading)
        return _Calibrated(vectors, _attention(reading))


def _attention(reading: ObservedBatch) -> pl.DataFrame:
    """What there is to tell of each text."""
    means, found = reading.seen.heads.mean(axis=(1, 2), dtype=np.float64), reading.found
    columns = {_COLUMNS[name]: means[:, place] for place, name in enumerate(HEAD)}
    told = {"score": found.score, "flagged_share": found.flagged_share, "gated": reading.gated}
    return pl.DataFrame({**columns, **told})


def _finite(*arrays: NDArray[np.floating]) -> bool:
    return all(bool(np.isfinite(values).all()) for values in arrays)
