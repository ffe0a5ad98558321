"""Brief of an article (TL;DR): the one or two sentences that say most of it, read within a few seconds.

Sentences are weighed by closed-form rules without an encoder, so a brief costs some two milliseconds: the cosine
with the words of the whole text (centroid: Radev et al. 2004), the share of the headline's words, how early the
sentence stands, and a length that is good to read. The second sentence is chosen by maximal marginal relevance
(Carbonell and Goldstein 1998). Decision 37 says how the constants were chosen.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recsys.digest.article_sentences import ArticleSentence, article_sentences, content_terms
from recsys.state.reading_time import seconds_to_read

Floats = NDArray[np.float64]

BRIEF_SECONDS = 15.0
"""Default reading time of a brief: some sixty words."""

MOST_SENTENCES = 2
_FEWEST_WORDS = 5
_USUAL_WORDS, _LONG_WORDS = 12, 35
_MOST_ALIKE = 0.5
"""Sentences whose cosine with a chosen one is larger repeat it."""

_REPEATS_HEADLINE = 0.8
"""Cosine with the headline from which a sentence is the headline once more."""

_CENTROID, _HEADLINE, _EARLY, _LENGTH, _TOO_LONG, _QUESTION, _QUOTE = 0.6, 0.5, 0.25, 0.3, 0.3, 0.3, 0.2
_LARGEST = _CENTROID + _HEADLINE + _EARLY + _LENGTH


@dataclass(frozen=True, slots=True)
class BriefSentence:
    """Sentence of a brief. weight: in [0, 1]; start, end: its characters in the text it is from."""

    text: str
    weight: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ArticleBrief:
    """Sentences in the order of the text. seconds: their reading time; of: `body` or `abstract`."""

    sentences: Sequence[BriefSentence]
    seconds: float
    of: Literal["body", "abstract"]

    @property
    def text(self) -> str:
        """The sentences as one text."""
        return " ".join(sentence.text for sentence in self.sentences)


def article_brief(
    title: str,
    body: str | None,
    abstract: str | None = None,
    language: str | None = None,
    seconds: float = BRIEF_SECONDS,
) -> ArticleBrief:
    """Return the brief of an article; without sentences if it has no text, or none that fits.

    Args:
        title: headline; the sentence that only repeats it is never chosen.
        body: text of the article.
        abstract: used in place of an empty body.
        language: language code, for stop words and stems.
        seconds: most seconds that reading the brief takes.
    """
    of: Literal["body", "abstract"] = "body" if body and body.strip() else "abstract"
    sentences = article_sentences((body if of == "body" else abstract) or "")
    if not sentences:
        return ArticleBrief((), 0.0, of)
    weights, likeness_nn, is_headline = _weighed(sentences, title, language)
    allowed = ~is_headline if of == "body" else np.ones(len(sentences), dtype=bool)
    chosen = _choose(sentences, weights, likeness_nn, allowed, seconds)
    found = [sentences[place] for place in chosen]
    return ArticleBrief(
        tuple(
            BriefSentence(sentence.text, round(float(weights[place]), 4), sentence.start, sentence.end)
            for place, sentence in zip(chosen, found, strict=True)
        ),
        round(float(_seconds(found).sum()), 2),
        of,
    )


def _seconds(sentences: Sequence[ArticleSentence]) -> Floats:
    return seconds_to_read(np.asarray([sentence.words for sentence in sentences], dtype=np.float64))


def _weighed(
    sentences: Sequence[ArticleSentence], title: str, language: str | None
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return the weight of each sentence [n], their cosines [n, n], and which ones repeat the headline [n]."""
    terms = [content_terms(sentence.text, language) for sentence in sentences]
    headline = set(content_terms(title, language))
    holders = Counter(term for found in terms for term in set(found))
    columns = {term: column for column, term in enumerate(holders)}
    counts_nv = np.zeros((len(sentences), max(len(columns), 1)))
    for row, found in enumerate(terms):
        for term, count in Counter(found).items():
            counts_nv[row, columns[term]] = 1 + np.log(count)
    centre_v = np.log1p(np.asarray(list(holders.values()) or [0]))
    unit_nv = counts_nv / np.maximum(np.linalg.norm(counts_nv, axis=1, keepdims=True), 1e-9)
    centroid = unit_nv @ centre_v / max(float(np.linalg.norm(centre_v)), 1e-9)
    shared = np.asarray([len(headline.intersection(found)) for found in terms], dtype=np.float64)
    distinct = np.asarray([max(len(set(found)), 1) for found in terms], dtype=np.float64)
    words = np.asarray([sentence.words for sentence in sentences], dtype=np.float64)
    weight = (
        _CENTROID * centroid
        + _HEADLINE * shared / max(len(headline), 1)
        + _EARLY / (1 + np.arange(len(sentences)))
        + _LENGTH * np.minimum(words, _USUAL_WORDS) / _USUAL_WORDS
        - _TOO_LONG * np.maximum(words - _LONG_WORDS, 0) / _LONG_WORDS
        - _QUESTION * np.asarray(["?" in s.text or "？" in s.text for s in sentences])
        - _QUOTE * np.asarray([s.text[0] in "\"“”„»«「'’" for s in sentences])
    )
    repeats = shared / np.sqrt(distinct * max(len(headline), 1)) >= _REPEATS_HEADLINE
    return (weight / _LARGEST).clip(0.0, 1.0), unit_nv @ unit_nv.T, repeats


def _choose(
    sentences: Sequence[ArticleSentence],
    weights: Floats,
    likeness_nn: Floats,
    open_n: NDArray[np.bool_],
    left: float,
) -> list[int]:
    """Return the places of the chosen sentences, in order; together they are read in at most `left` seconds."""
    cost = _seconds(sentences)
    words = np.asarray([sentence.words for sentence in sentences])
    open_n = open_n & (words >= min(_FEWEST_WORDS, int(words.max())))
    chosen: list[int] = []
    while len(chosen) < MOST_SENTENCES and (fits := open_n & (cost <= left + 1e-9)).any():
        alike = likeness_nn[:, chosen].max(axis=1) if chosen else np.zeros(len(sentences))
        gain = np.where(fits & (alike <= _MOST_ALIKE), weights * (1 - alike), -1.0)
        best = int(gain.argmax())
        if gain[best] < 0:
            break
        chosen.append(best)
        open_n[best] = False
        left -= cost[best]
    return sorted(chosen)
