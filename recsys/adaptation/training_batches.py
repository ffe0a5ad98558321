"""Batch of one training step: drawn by the seed and the number of the step alone, so that a run can be resumed."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recsys.adaptation.adaptation_data import AdaptationData
from recsys.adaptation.slate_choices import SlateChoices
from recsys.adaptation.text_bank import ABSTRACT, HEADLINE

TEXT_PAIRS, READ_PAIRS, CHOICES = 24, 24, 40
"""Articles, pairs of articles read together, and slates of a step."""

_READS, _PASSED_OVER = 10, 3
_SLATES_PER_READER = 4
"""Slates of one reader that follow each other share most reads, which are encoded once."""

_WINDOW = 8 * READ_PAIRS
"""Pairs of a step come from so many that follow each other. Otherwise the date separates them, which says
nothing about candidates of one slate.
"""

_HEADLINE_SHARE = 2 / 3
"""Share of the steps whose clicks are learned from headlines; the others use abstracts. A vector of an article has
its headline twice, as headline and in place of the topic, where categories are numbers.
"""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """Articles of one step, each kind possibly empty.

    field: of the texts of `together`, `reads` and `candidates`; described: articles whose headline and abstract
    are a pair [a]; together: [b, 2]; reads: drawn reads, −1 for none [c, 10]; candidates: the clicked one, then
    passed-over ones, −1 for none [c, 4].
    """

    field: int
    described: Ints
    together: Ints
    reads: Ints
    candidates: Ints

    @classmethod
    def draw(cls, data: AdaptationData, described: Ints, seed: int, step: int) -> Self:
        """Draw the batch of `step`; described: articles to draw text pairs from."""
        rng = np.random.default_rng([seed, step])
        field = HEADLINE if rng.random() < _HEADLINE_SHARE else ABSTRACT
        articles = described[_drawn(len(described), TEXT_PAIRS, rng)]
        pairs = data.together[_drawn_near(len(data.together), READ_PAIRS, rng)]
        flipped = rng.random(len(pairs)) < 0.5
        pairs = np.where(flipped[:, None], pairs[:, ::-1], pairs)
        slates = _slates(data.choices, rng)
        reads = _reads(data.choices, slates, rng.random(len(data.bank.fields)))
        return cls(field, articles, pairs, reads, _candidates(data.choices, slates, rng))


def _drawn(size: int, count: int, rng: np.random.Generator) -> Ints:
    return rng.choice(size, min(size, count), replace=False).astype(np.int64)


def _drawn_near(size: int, count: int, rng: np.random.Generator) -> Ints:
    """Draw `count` of a random window."""
    start = rng.integers(max(size - _WINDOW, 0) + 1)
    return start + _drawn(min(size, _WINDOW), count, rng)


def _slates(choices: SlateChoices, rng: np.random.Generator) -> Ints:
    """Draw slates at random, and for each of them the next ones of its reader."""
    starts = _drawn(len(choices), CHOICES // _SLATES_PER_READER, rng)
    ranks = choices.rank_by_reader[starts][:, None] + np.arange(_SLATES_PER_READER)
    slates = choices.by_reader[np.minimum(ranks, len(choices) - 1)] if len(choices) else ranks
    return np.unique(slates[choices.reader[slates] == choices.reader[starts][:, None]])


def _reads(choices: SlateChoices, slates: Ints, order: NDArray[np.float64]) -> Ints:
    """Return up to ten reads of each slate, those that come first in `order` [n articles]: [c, 10]."""
    reads = choices.reads[slates]
    key = np.where(reads < 0, np.inf, order[reads])
    return np.take_along_axis(reads, np.argsort(key, axis=1)[:, :_READS], axis=1)


def _candidates(choices: SlateChoices, slates: Ints, rng: np.random.Generator) -> Ints:
    """Return one clicked article of each slate, and up to three that were passed over [c, 4]."""
    sizes = np.diff(choices.offsets)[slates]
    starts = np.cumsum(sizes) - sizes
    slate = np.repeat(np.arange(len(slates)), sizes)
    rows = np.arange(sizes.sum()) - starts[slate] + choices.offsets[slates][slate]
    clicked = choices.clicked[rows]
    order = np.lexsort((rng.random(len(rows)), ~clicked, slate))  # of each slate: clicked ones, then the others
    clicks = np.bincount(slate[clicked], minlength=len(slates))
    passed = np.arange(_PASSED_OVER)
    places = np.concatenate([starts[:, None], (starts + clicks)[:, None] + passed], axis=1)
    inside = np.concatenate(
        [np.ones((len(slates), 1), dtype=np.bool_), passed < (sizes - clicks)[:, None]], axis=1
    )
    candidates = choices.candidates[rows][order]
    return np.where(inside, candidates[np.where(inside, places, 0)], -1) if len(slates) else places
