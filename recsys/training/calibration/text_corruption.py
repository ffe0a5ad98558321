"""Injecting damage into texts, with the truth of which words were injected: what detectors learn from.

    keyword stuffing     a word of the title, again and again
    punctuation spam     runs of marks between the words
    random words         words of the language put in between
    replaced words       words of the language in the place of the title's own
    foreign phrase       a run of words of another text, before or behind
    clickbait            a phrase that shouts, before or behind

All but the last train the token scorer; clickbait is held out whole, to show what becomes of a kind never seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class NoiseKind(StrEnum):
    """A way to damage a text."""

    STUFFING = "keyword stuffing"
    PUNCTUATION = "punctuation spam"
    RANDOM = "random words"
    REPLACED = "replaced words"
    PHRASE = "foreign phrase"
    CLICKBAIT = "clickbait"


TRAINED = tuple(kind for kind in NoiseKind if kind is not NoiseKind.CLICKBAIT)
"""Kinds the token scorer of a bundle is trained on."""

STRUCTURAL = (NoiseKind.STUFFING, NoiseKind.PUNCTUATION)
"""Kinds that change the shape of attention: what the autoencoder can find."""

_PHRASE = 4
"""Words of a foreign phrase at least."""

_MARKS = ("!!!", "???", "!!!!!!", "?!?!", "...", "***", "$$$", "###", "!!", "~~~", "|||", ">>>")
_SHOUTS = (
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


@dataclass(frozen=True, slots=True)
class Damaged:
    """A text as words, and which of them were injected [w]."""

    words: tuple[str, ...]
    injected: tuple[bool, ...]

    @property
    def text(self) -> str:
        """The words in one line."""
        return " ".join(self.words)


class Injector:
    """Damages texts.

    Args:
        vocabulary: strange words, drawn evenly.
        others: other texts, whose phrases are strange here.
    """

    def __init__(self, vocabulary: Sequence[str], others: Sequence[str]) -> None:
        lines = [text.split() for text in others]
        self._phrases = [words for words in lines if len(words) >= _PHRASE] or [["news"] * _PHRASE]
        self._vocabulary = vocabulary or ("news",)
        self._ways: dict[NoiseKind, Callable[[list[str], np.random.Generator], Damaged]] = {
            NoiseKind.STUFFING: _stuffed,
            NoiseKind.PUNCTUATION: _punctuated,
            NoiseKind.RANDOM: self._with_random_words,
            NoiseKind.REPLACED: self._with_replaced_words,
            NoiseKind.PHRASE: self._with_foreign_phrase,
            NoiseKind.CLICKBAIT: _shouting,
        }

    def damage(self, text: str, kind: NoiseKind, rng: np.random.Generator) -> Damaged:
        """`text` damaged in the way of `kind`."""
        words = text.split() or [""]
        return self._ways[kind](words, rng)

    def _with_random_words(self, words: list[str], rng: np.random.Generator) -> Damaged:
        count = max(2, round(0.6 * len(words)))
        return _mixed_in(words, self._strange(count, rng), rng)

    def _with_replaced_words(self, words: list[str], rng: np.random.Generator) -> Damaged:
        count = max(1, round(0.4 * len(words)))
        places = rng.choice(len(words), size=count, replace=False)
        replaced, injected = list(words), [False] * len(words)
        for place, word in zip(places.tolist(), self._strange(count, rng), strict=True):
            replaced[place], injected[place] = word, True
        return Damaged(tuple(replaced), tuple(injected))

    def _with_foreign_phrase(self, words: list[str], rng: np.random.Generator) -> Damaged:
        other = self._phrases[int(rng.integers(len(self._phrases)))]
        start = int(rng.integers(len(other) - _PHRASE + 1))
        length = int(rng.integers(_PHRASE, 2 * _PHRASE))
        return _appended(words, other[start : start + length], rng)

    def _strange(self, count: int, rng: np.random.Generator) -> list[str]:
        return [self._vocabulary[place] for place in rng.integers(len(self._vocabulary), size=count)]


def undamaged(text: str) -> Damaged:
    """`text` as it is."""
    words = tuple(text.split()) or ("",)
    return Damaged(words, (False,) * len(words))


def _stuffed(words: list[str], rng: np.random.Generator) -> Damaged:
    long_ones = [word for word in words if len(word) > 3] or words
    keyword = long_ones[int(rng.integers(len(long_ones)))]
    return _appended(words, [keyword] * int(rng.integers(4, 9)), rng)


def _punctuated(words: list[str], rng: np.random.Generator) -> Damaged:
    marks = [_MARKS[place] for place in rng.integers(len(_MARKS), size=max(3, round(0.7 * len(words))))]
    return _mixed_in(words, marks, rng)


def _shouting(words: list[str], rng: np.random.Generator) -> Damaged:
    return _appended(words, _SHOUTS[int(rng.integers(len(_SHOUTS)))].split(), rng)


def _appended(words: list[str], extra: list[str], rng: np.random.Generator) -> Damaged:
    """Before or behind, evenly."""
    if rng.random() < 0.5:
        return Damaged((*extra, *words), (True,) * len(extra) + (False,) * len(words))
    return Damaged((*words, *extra), (False,) * len(words) + (True,) * len(extra))


def _mixed_in(words: list[str], extra: list[str], rng: np.random.Generator) -> Damaged:
    """At random places; both keep their order."""
    injected = np.zeros(len(words) + len(extra), dtype=np.bool_)
    injected[rng.choice(len(injected), size=len(extra), replace=False)] = True
    own, strange = iter(words), iter(extra)
    return Damaged(tuple(next(strange) if new else next(own) for new in injected), tuple(injected.tolist()))
