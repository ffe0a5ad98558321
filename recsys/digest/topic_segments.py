"""Topics of a meeting: contiguous segments of turns, each with a key phrase as its title.

Segments minimise the squared distance of sentence vectors to the mean of their segment: Alemi and Ginsparg, "Text
segmentation based on semantic word embeddings", 2015. Dynamic programming finds the optimum for a number of
segments, as in Utiyama and Isahara, "A statistical model for domain-independent text segmentation", 2001. Cohesion
within segments is the idea of TextTiling (Hearst 1997).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recsys.digest.meeting import Sentence
from recsys.digest.sentence_features import EncodedText
from recsys.digest.sentences import words_of
from recsys.digest.terms import function_terms, stem

Floats = NDArray[np.float64]

MOST_TOPICS = 10
_WORDS_PER_TOPIC = 1_500
_BLOCKS = 150
"""Places where a topic may begin: the search is quadratic in them."""

_LONGEST_PHRASE = 3
_SHORTEST_WORD = 3
_PHRASE_BONUS = (1.0, 2.5, 3.0)
"""Factor of a phrase of one, two and three words: "remote control" says more than "remote"."""

_EMPTY_WORDS = (
    "meeting", "today", "okay", "yeah", "euro", "percent",
    "like", "really", "think", "know", "mean", "going", "gonna", "want", "need", "got", "get", "way",
    "things", "thing", "stuff", "good", "sure", "maybe", "kind", "sort", "lot", "little", "bit", "look",
    "people", "make", "right", "well", "say", "said", "actually", "basically", "probably", "question",
    "point", "something", "anything", "everything", "come", "came", "take", "took", "put", "used",
    "using", "use", "yes", "one", "two", "three",
)  # fmt: skip
"""Words of speech that make no title."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Sentences `start` to before `end` of a text, and the key phrase of the topic."""

    start: int
    end: int
    title: str


def segment(text: EncodedText) -> list[Segment]:
    """Divide a text of at least one sentence into topics; the number of topics grows with its words."""
    count = int(np.clip(round(text.words.sum() / _WORDS_PER_TOPIC), 1, MOST_TOPICS))
    starts = _turn_starts(text.sentences)
    bounds = _best_bounds(_costs(text, starts), min(count, len(starts)))
    edges = [*(int(starts[bound]) for bound in bounds), len(text)]
    ranges = list(pairwise(edges))
    titles = _titles(text.sentences, ranges)
    return [Segment(start, end, title) for (start, end), title in zip(ranges, titles, strict=True)]


def _turn_starts(sentences: Sequence[Sentence]) -> NDArray[np.int64]:
    """Return the first sentences [b] of turns, thinned to at most `_BLOCKS`; the first is 0."""
    turns = np.asarray([sentence.turn for sentence in sentences])
    starts = np.flatnonzero(np.diff(turns, prepend=-1))
    picked = np.unique(np.linspace(0, len(starts) - 1, min(len(starts), _BLOCKS)).round().astype(np.int64))
    return starts[picked]


def _costs(text: EncodedText, starts: NDArray[np.int64]) -> Floats:
    """Return the scatter of each run of blocks [b, b + 1]: from block i to before block j; infinite for j ≤ i."""
    weight = np.log1p(text.words)
    mass = np.add.reduceat(weight, starts)
    sums = np.add.reduceat(text.vectors * weight[:, None], starts, axis=0)
    total = np.concatenate([[0.0], mass.cumsum()])
    running = np.concatenate([np.zeros((1, sums.shape[1])), sums.cumsum(axis=0)])
    # unit vectors: the scatter of a run is its mass less |sum|² / mass
    gram = running @ running.T
    squares = np.diag(gram)
    run_mass = total[None, :] - total[:-1, None]
    run_square = squares[None, :] - 2 * gram[:-1] + squares[:-1, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        scatter = run_mass - run_square / run_mass
    return np.where(run_mass > 0, scatter, np.inf)


def _best_bounds(costs: Floats, count: int) -> list[int]:
    """Return the first block of each of `count` segments with the least sum of costs."""
    best = costs[0].copy()
    origins = []
    for _ in range(count - 1):
        extended = best[:-1, None] + costs
        origins.append(extended.argmin(axis=0))
        best = extended.min(axis=0)
    bounds, end = [], len(costs)
    for origin in reversed(origins):
        end = int(origin[end])
        bounds.append(end)
    return [0, *reversed(bounds)]


def _titles(sentences: Sequence[Sentence], ranges: Sequence[tuple[int, int]]) -> list[str]:
    """Return a title per range: its phrase of largest frequency × log-lift over the other ranges, each once."""
    counts = [Counter(p for each in sentences[start:end] for p in _phrases(each.text)) for start, end in ranges]
    totals: Counter[str] = Counter()
    for count in counts:
        totals.update(count)
    titles: list[str] = []
    for number, count in enumerate(counts, start=1):
        scored = sorted(
            ((_phrase_score(phrase, seen, totals[phrase], len(ranges)), phrase) for phrase, seen in count.items()),
            key=lambda pair: (-pair[0], pair[1]),
        )
        title = next((phrase for _, phrase in scored if phrase not in titles), f"topic {number}")
        titles.append(title)
    return [title[:1].upper() + title[1:] for title in titles]


def _phrase_score(phrase: str, seen: int, total: int, ranges: int) -> float:
    lift = np.log1p(ranges * seen / total)
    return float(np.log1p(seen) * seen**0.5 * lift * _PHRASE_BONUS[phrase.count(" ")]) if seen > 1 else lift * 0.1


def _phrases(text: str) -> Iterator[str]:
    """Yield the phrases of one to three words with a subject."""
    words = words_of(text)
    telling = [len(word) >= _SHORTEST_WORD and word.isascii() and _has_subject(word) for word in words]
    for start in range(len(words)):
        for end in range(start + 1, min(start + _LONGEST_PHRASE, len(words)) + 1):
            if not telling[end - 1]:
                break
            yield " ".join(words[start:end])


def _has_subject(word: str) -> bool:
    return (
        stem(word) not in function_terms() and not word.isdigit() and "'" not in word and word not in _EMPTY_WORDS
    )
