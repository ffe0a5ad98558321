"""Extract within a budget of reading time: sentences that cover the words of most worth, each word once.

The worth of covered words is a submodular function of the chosen sentences. The greedy choice by worth per word
is near the best one: Lin and Bilmes, "Multi-document summarization via budgeted maximization of submodular
functions", 2010. A sentence that repeats what is chosen gains nothing: no other rule against redundancy is needed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.digest.sentence_features import EncodedText
from recsys.state.reading_time import seconds_to_read

Floats = NDArray[np.float64]

FEWEST_WORDS = 3
"""Shorter sentences are never chosen: "Yes", "Sounds good"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractConfig:
    """Choice of sentences.

    relevance: power of a sentence's relevance in its gain; overhead: words that every sentence costs beside its
    own, so that one long sentence is preferred to several fragments.
    """

    relevance: float = 0.4
    overhead: float = 5.0


def extract(
    text: EncodedText, relevance: Floats, worth: Floats, seconds: float, config: ExtractConfig
) -> list[int]:
    """Return the chosen sentences, in order of the text; together they are read in at most `seconds`.

    Args:
        text: n sentences with v terms.
        relevance: probability that each sentence is relevant [n].
        worth: probability that a summary uses each term [v].
        seconds: budget of reading time.
        config: choice of sentences.
    """
    cost, uncovered = seconds_to_read(text.words), worth.copy()
    holds = (text.terms.counts > 0).astype(np.float64)
    factor = relevance.clip(min=1e-3) ** config.relevance / (text.terms.lengths + config.overhead)
    open_n = text.words >= FEWEST_WORDS
    chosen: list[int] = []
    left = seconds
    while (fits := open_n & (cost <= left + 1e-9)).any():
        gain = np.where(fits, (holds @ uncovered) * factor, -1.0)
        best = int(gain.argmax())
        if gain[best] <= 0:
            break
        chosen.append(best)
        left -= cost[best]
        open_n[best] = False
        uncovered[holds[[best]].indices] = 0.0
    return sorted(chosen)
