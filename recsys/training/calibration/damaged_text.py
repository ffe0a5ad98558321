"""Kinds of damage, and a text with a mask of its injected words.

Editing kinds damage the words of a text; publishing kinds are what outlets and their systems add to it.

    keyword stuffing     a word of the title, repeated
    punctuation spam     runs of marks between the words
    random words         words of the language inserted
    replaced words       words of the language instead of the title's own
    foreign phrase       a run of words of another text, before or after
    clickbait            a clickbait phrase, before or after
    outlet name          the outlet, or its section, before or after
    dateline             place and agency before, or a byline after
    alert tag            LIVE, BREAKING, [VIDEO]
    markup               tags and entities left over
    hashtags             a run of hashtags
    emoji                a row of emoji
    keyword list         words of other titles with commas, after
    mojibake             UTF-8 read as Latin-1
    other language       a sentence of another language, before or after
    capitals             all letters in capitals
    truncation           the end cut off, with an ellipsis
    other abstract       the abstract of another article; the title stays
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class NoiseKind(StrEnum):
    """Kind of damage."""

    STUFFING = "keyword stuffing"
    PUNCTUATION = "punctuation spam"
    RANDOM = "random words"
    REPLACED = "replaced words"
    PHRASE = "foreign phrase"
    CLICKBAIT = "clickbait"
    OUTLET = "outlet name"
    DATELINE = "dateline"
    ALERT = "alert tag"
    MARKUP = "markup"
    HASHTAGS = "hashtags"
    EMOJI = "emoji"
    KEYWORDS = "keyword list"
    MOJIBAKE = "mojibake"
    LANGUAGE = "other language"
    CAPITALS = "capitals"
    TRUNCATION = "truncation"
    ABSTRACT = "other abstract"


NOT_INJECTING = (NoiseKind.CAPITALS, NoiseKind.TRUNCATION)
"""Kinds of damaged titles that inject no word, so the token scorer has nothing to find."""

INJECTING = tuple(kind for kind in NoiseKind if kind not in (*NOT_INJECTING, NoiseKind.ABSTRACT))

ROTATIONS = (INJECTING[::2], INJECTING[1::2])
"""Halves of the injecting kinds: a scorer trained on one half is measured on the other."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """Text as words, with a mask of the injected ones [w]."""

    words: tuple[str, ...]
    injected: tuple[bool, ...]

    @property
    def text(self) -> str:
        """Return the words in one line."""
        return " ".join(self.words)


def before(words: list[str], extra: list[str]) -> Damaged:
    """Add words before."""
    return Damaged((*extra, *words), (True,) * len(extra) + (False,) * len(words))


def after(words: list[str], extra: list[str]) -> Damaged:
    """Add words after."""
    return Damaged((*words, *extra), (False,) * len(words) + (True,) * len(extra))


def appended(words: list[str], extra: list[str], rng: np.random.Generator) -> Damaged:
    """Add words before or after, with equal chance."""
    return before(words, extra) if rng.random() < 0.5 else after(words, extra)


def mixed_in(words: list[str], extra: list[str], rng: np.random.Generator) -> Damaged:
    """Insert words at random positions; both lists keep their order."""
    injected = np.zeros(len(words) + len(extra), dtype=np.bool_)
    injected[rng.choice(len(injected), size=len(extra), replace=False)] = True
    own, inserted = iter(words), iter(extra)
    return Damaged(tuple(next(inserted) if new else next(own) for new in injected), tuple(injected.tolist()))
