"""Boilerplate: words that a source sets before or after its titles, found without labels.

A phrase that begins or ends many titles of one source, and few of the others, names the publisher, not the news:
"| The Daily Courier", "LIVE:". Attention to it is lost for the title. In a log of one source, only phrases with a
separator are known from common beginnings.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST = 8
"""Words of the longest phrase."""

_LEAST_TITLES, _LEAST_SHARE = 5, 0.05
"""Titles of a source, and share of them, that a phrase must begin or end."""

_LIFT = 4.0
"""A phrase must be this much more common in its source than in the others."""

_WHOLE = 0.8
"""A phrase grows by the next word as long as at least this share of its titles goes on with it."""

_SEPARATORS = frozenset("|–—»›>/[]:•·*")

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words at one end of a source's titles. share: of the source's titles; before: at their beginning."""

    source: str
    words: Words
    before: bool
    share: float

    def marks(self, title: Sequence[str]) -> NDArray[np.bool_]:
        """Return the mask of the words of `title` [w] that are this phrase; no word if it has another."""
        mask, count = np.zeros(len(title), dtype=np.bool_), len(self.words)
        part = slice(0, count) if self.before else slice(len(title) - count, len(title))
        if count < len(title) and tuple(title[part]) == self.words:
            mask[part] = True
        return mask


def find_boilerplate(titles: Sequence[str], sources: Sequence[str]) -> list[Phrase]:
    """Return the boilerplate of each source, most common first; `titles` [n] and their `sources` [n]."""
    counts: dict[str, Counter[tuple[bool, Words]]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for title, source in zip(titles, sources, strict=True):
        totals[source] += 1
        counts[source].update(_ends(title.split()))
    padded = [(f" {' '.join(title.split())} ", source) for title, source in zip(titles, sources, strict=True)]
    found = []
    for source, each in counts.items():
        others = totals.total() - totals[source]
        least = max(_LEAST_TITLES, _LEAST_SHARE * totals[source])
        for (before, _), inside in _by_outer_word(each).items():
            words, count = _grown(inside, before)
            if count < least:
                continue
            share, text = count / totals[source], f" {' '.join(words)} "
            # anywhere: in a source with boilerplate of its own, common beginnings stand behind it
            elsewhere = sum(text in title for title, other in padded if other != source)
            if _is_own(words, share, elsewhere, others):
                found.append(Phrase(source, words, before, share))
    return sorted(found, key=lambda phrase: (-phrase.share, phrase.source, phrase.words))


def _ends(words: list[str]) -> set[tuple[bool, Words]]:
    """Return the phrases at both ends; at least one word of the title is left."""
    lengths = range(1, min(LONGEST, len(words) - 1) + 1)
    return {(True, tuple(words[:n])) for n in lengths} | {(False, tuple(words[-n:])) for n in lengths}


def _by_outer_word(counts: Counter[tuple[bool, Words]]) -> dict[tuple[bool, str], Counter[Words]]:
    """Return the counts of phrases by end and outermost word."""
    found: dict[tuple[bool, str], Counter[Words]] = defaultdict(Counter)
    for (before, words), count in counts.items():
        found[before, words[0] if before else words[-1]][words] = count
    return found


def _grown(counts: Counter[Words], before: bool) -> tuple[Words, int]:
    """Return the longest phrase that most titles with the same outermost word have, and its count."""
    longer: dict[Words, list[Words]] = defaultdict(list)
    for words in counts:
        longer[words[:-1] if before else words[1:]].append(words)
    (phrase,) = longer[()]
    while following := longer.get(phrase):
        best = max(following, key=lambda words: counts[words])
        if counts[best] < _WHOLE * counts[phrase]:
            break
        phrase = best
    return phrase, counts[phrase]


def _is_own(words: Words, share: float, elsewhere: int, others: int) -> bool:
    if others:
        return share >= _LIFT * elsewhere / others
    return any(word[0] in _SEPARATORS or word[-1] in _SEPARATORS or word == "-" for word in words)
