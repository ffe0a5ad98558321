"""Injects damage into texts and labels the injected words, as training data for the detectors.

All kinds but clickbait train the token scorer of a bundle; clickbait is held out, to measure an unseen kind.
"""

from collections.abc import Callable, Sequence

import numpy as np

from recsys.training.calibration.damaged_text import INJECTING, Damaged, NoiseKind, after, appended, mixed_in
from recsys.training.calibration.publisher_damage import BY_KIND

TRAINED = tuple(kind for kind in INJECTING if kind is not NoiseKind.CLICKBAIT)
"""Kinds that train the token scorer of a bundle."""

_PHRASE = 4
"""Smallest number of words of a foreign phrase."""

_MARKS = ("!!!", "???", "!!!!!!", "?!?!", "...", "***", "$$$", "###", "!!", "~~~", "|||", ">>>")
_CLICKBAIT = (
    "you won't believe what happened next",
    "this will blow your mind",
    "what she did next shocked everyone",
    "number seven will leave you speechless",
    "doctors hate this one weird trick",
    "wait until you see the photos",
    "the internet cannot handle this",
    "here is why everyone is talking about it",
    "click to find out the truth",
    "must see before it is deleted",
    "this changes everything",
    "the reason will make you cry",
)


class Injector:
    """Injector of damage.

    Args:
        vocabulary: words to inject, drawn uniformly.
        others: other texts, as source of foreign phrases.
    """

    def __init__(self, vocabulary: Sequence[str], others: Sequence[str]) -> None:
        lines = [text.split() for text in others]
        self._phrases = [words for words in lines if len(words) >= _PHRASE] or [["news"] * _PHRASE]
        self._vocabulary = vocabulary or ("news",)
        self._damage_by_kind: dict[NoiseKind, Callable[[list[str], np.random.Generator], Damaged]] = {
            NoiseKind.STUFFING: _stuffed,
            NoiseKind.PUNCTUATION: _punctuated,
            NoiseKind.RANDOM: self._with_random_words,
            NoiseKind.REPLACED: self._with_replaced_words,
            NoiseKind.PHRASE: self._with_foreign_phrase,
            NoiseKind.CLICKBAIT: _with_clickbait,
            NoiseKind.KEYWORDS: self._with_keywords,
            **BY_KIND,
        }

    def damage(self, text: str, kind: NoiseKind, rng: np.random.Generator) -> Damaged:
        """Return `text` with damage of `kind`."""
        words = text.split() or [""]
        return self._damage_by_kind[kind](words, rng)

    def _with_random_words(self, words: list[str], rng: np.random.Generator) -> Damaged:
        count = max(2, round(0.6 * len(words)))
        return mixed_in(words, self._random_words(count, rng), rng)

    def _with_replaced_words(self, words: list[str], rng: np.random.Generator) -> Damaged:
        count = max(1, round(0.4 * len(words)))
        positions = rng.choice(len(words), size=count, replace=False)
        replaced, injected = list(words), [False] * len(words)
        for position, word in zip(positions.tolist(), self._random_words(count, rng), strict=True):
            replaced[position], injected[position] = word, True
        return Damaged(tuple(replaced), tuple(injected))

    def _with_foreign_phrase(self, words: list[str], rng: np.random.Generator) -> Damaged:
        other = self._phrases[int(rng.integers(len(self._phrases)))]
        start = int(rng.integers(len(other) - _PHRASE + 1))
        length = int(rng.integers(_PHRASE, 2 * _PHRASE))
        return appended(words, other[start : start + length], rng)

    def _with_keywords(self, words: list[str], rng: np.random.Generator) -> Damaged:
        """Add long words of other titles, with commas, after."""
        count, found = int(rng.integers(4, 10)), list[str]()
        while len(found) < count:
            other = self._phrases[int(rng.integers(len(self._phrases)))]
            long_words = [word.strip(".,:;!?'\"").lower() for word in other if len(word) > 3] or other
            found.append(long_words[int(rng.integers(len(long_words)))])
        return after(words, [f"{word}," for word in found[:-1]] + found[-1:])

    def _random_words(self, count: int, rng: np.random.Generator) -> list[str]:
        return [self._vocabulary[position] for position in rng.integers(len(self._vocabulary), size=count)]


def undamaged(text: str) -> Damaged:
    """Return `text` without damage."""
    words = tuple(text.split()) or ("",)
    return Damaged(words, (False,) * len(words))


def _stuffed(words: list[str], rng: np.random.Generator) -> Damaged:
    long_words = [word for word in words if len(word) > 3] or words
    keyword = long_words[int(rng.integers(len(long_words)))]
    return appended(words, [keyword] * int(rng.integers(4, 9)), rng)


def _punctuated(words: list[str], rng: np.random.Generator) -> Damaged:
    marks = [_MARKS[position] for position in rng.integers(len(_MARKS), size=max(3, round(0.7 * len(words))))]
    return mixed_in(words, marks, rng)


def _with_clickbait(words: list[str], rng: np.random.Generator) -> Damaged:
    return appended(words, _CLICKBAIT[int(rng.integers(len(_CLICKBAIT)))].split(), rng)
