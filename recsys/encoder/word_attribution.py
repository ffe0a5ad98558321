"""Which words carried the vector of a text.

Attention alone does not tell: a word may receive much and change nothing. So every word is left out in turn, and
what that changes is its weight (masking, cf. Li, Monroe and Jurafsky 2016, "representation erasure").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.calibrator import Calibrator, Inspection, Plan
from recsys.encoder.bert import TextEncoder
from recsys.encoder.token_batches import encode_all

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WordAttribution:
    """A word of a text.

    change: 1 − cosine of the text's vector with and without it; received: mass it receives, 1 is an even share.
    The rest is for a calibrator to say: probability of having been injected; over: flagged, and attended more than
    normal words are; ignored: attended less than normal words are, though the vector hangs on it more than on most
    words; lowered, cut: what calibration does about it.
    """

    word: str
    change: float
    received: float
    probability: float | None = None
    over: bool = False
    ignored: bool = False
    lowered: bool = False
    cut: bool = False


def explain_text(encoder: TextEncoder, text: str, calibrator: Calibrator | None = None) -> list[WordAttribution]:
    """The words of `text` that the encoder reads, in order; those beyond its limit are not among them.

    Raises:
        EncoderError: a vector is not finite.
    """
    words = text.split()
    (tokens,), (place,) = encoder.tokenize_words([words])
    _, seen = encoder.observe_tokens([tokens])
    word_T = np.asarray(place)
    read = np.unique(word_T[word_T >= 0])
    change = _changes(encoder, tokens, word_T, read)
    received = _by_word(seen.received[0].astype(np.float64), word_T, read)
    words_read = [
        WordAttribution(words[w], float(c), float(r)) for w, c, r in zip(read, change, received, strict=True)
    ]
    if calibrator is None:
        return words_read
    found, typical = calibrator.inspect(seen), float(np.median(change))
    judge = _Judge(found, calibrator.plan(found), typical)
    return [judge.judged(word, word_T == w) for word, w in zip(words_read, read, strict=True)]


@dataclass(frozen=True, slots=True)
class _Judge:
    """What a calibrator says of the one text it was shown; typical: what leaving out a word usually changes."""

    found: Inspection
    plan: Plan | None
    typical: float

    def judged(self, word: WordAttribution, own_T: NDArray[np.bool_]) -> WordAttribution:
        """`word` with the verdict on its tokens."""
        found, plan = self.found, self.plan
        return replace(
            word,
            probability=float(found.probability[0, own_T].max()),
            over=bool(found.over[0, own_T].any()),
            ignored=bool(found.under_attended[0, own_T].all()) and word.change > self.typical,
            lowered=plan is not None and bool((plan.log_gate[0, own_T] < 0).any()),
            cut=plan is not None and bool(plan.cut[0, own_T].all()),
        )


def _changes(
    encoder: TextEncoder, tokens: Sequence[int], word_T: NDArray[np.int64], read: NDArray[np.int64]
) -> Floats:
    ids = np.asarray(tokens)
    vectors = encode_all(encoder, [list(tokens), *(ids[word_T != word].tolist() for word in read)])
    return np.asarray(1.0 - vectors[1:].astype(np.float64) @ vectors[0])


def _by_word(values_T: Floats, word_T: NDArray[np.int64], read: NDArray[np.int64]) -> Floats:
    return np.asarray([values_T[word_T == word].mean() for word in read])
