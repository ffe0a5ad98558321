"""Attribution of a text's vector to its words.

Attention is not enough: a word may receive much of it and change nothing. So each word is left out in turn, and
the change of the vector is its weight (masking, cf. Li, Monroe and Jurafsky 2016, "representation erasure").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.calibrator import Calibrator, Inspection, Plan
from recsys.encoder.bert import TextEncoder
from recsys.encoder.protocols import Vectors
from recsys.encoder.token_batches import encode_all

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WordAttribution:
    """Word of a text with its attribution.

    change: 1 − cosine of the text's vector with and without it; received: mass it receives, 1 is an even share.
    The following need a calibrator. probability: of being injected; over: flagged, and attended more than normal
    words; ignored: attended less than normal words, though the vector depends on it more than on the median word;
    lowered, cut: adjustments by the calibration.
    """

    word: str
    change: float
    received: float
    probability: float | None = None
    over: bool = False
    ignored: bool = False
    lowered: bool = False
    cut: bool = False


def explain_text(
    encoder: TextEncoder, text: str, calibrator: Calibrator | None = None, context: Vectors | None = None
) -> list[WordAttribution]:
    """Return the words of `text` within the encoder's limit, in order, with their attributions.

    context: unit vector [1, d] of the other fields of the article.

    Raises:
        EncoderError: a vector is not finite.
    """
    words = text.split()
    (tokens,), (word_indices,) = encoder.tokenize_words([words])
    _, seen = encoder.observe_tokens([tokens], context=context)
    word_T = np.asarray(word_indices)
    read = np.unique(word_T[word_T >= 0])
    change = _changes(encoder, tokens, word_T, read)
    received = _by_word(seen.received[0].astype(np.float64), word_T, read)
    words_read = [
        WordAttribution(words[w], float(c), float(r)) for w, c, r in zip(read, change, received, strict=True)
    ]
    if calibrator is None:
        return words_read
    found, typical = calibrator.inspect(seen), float(np.median(change))
    result = _CalibratorResult(found, calibrator.plan(found), typical)
    return [result.annotated(word, word_T == w) for word, w in zip(words_read, read, strict=True)]


@dataclass(frozen=True, slots=True)
class _CalibratorResult:
    """Results of a calibrator for one text; typical: median change when a word is left out."""

    found: Inspection
    plan: Plan | None
    typical: float

    def annotated(self, word: WordAttribution, own_tokens_T: NDArray[np.bool_]) -> WordAttribution:
        """Return `word` with the calibrator's results on its tokens."""
        found, plan = self.found, self.plan
        return replace(
            word,
            probability=float(found.probability[0, own_tokens_T].max()),
            over=bool(found.over[0, own_tokens_T].any()),
            ignored=bool(found.under_attended[0, own_tokens_T].all()) and word.change > self.typical,
            lowered=plan is not None and bool((plan.log_gate[0, own_tokens_T] < 0).any()),
            cut=plan is not None and bool(plan.cut[0, own_tokens_T].all()),
        )


def _changes(
    encoder: TextEncoder, tokens: Sequence[int], word_T: NDArray[np.int64], read: NDArray[np.int64]
) -> Floats:
    ids = np.asarray(tokens)
    vectors = encode_all(encoder, [list(tokens), *(ids[word_T != word].tolist() for word in read)])
    return np.asarray(1.0 - vectors[1:].astype(np.float64) @ vectors[0])


def _by_word(values_T: Floats, word_T: NDArray[np.int64], read: NDArray[np.int64]) -> Floats:
    return np.asarray([values_T[word_T == word].mean() for word in read])
