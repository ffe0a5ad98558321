"""Batch of one training step: drawn by the seed and the number of the step alone, so that a run can be resumed."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recsys.adaptation.adaptation_data import AdaptationData
from recsys.adaptation.slate_choices import SlateChoices
from recsys.adaptation.text_bank import ABSTRACT, HEADLINE

TEXT_PAIRS, READ_PAIRS, CHOICES = 24, 24, 40
"""Articles, pairs of articles read together, and slates of a step: about 280 distinct texts on EB-NeRD."""

_READS, _PASSED_OVER = 2, 3
_HEADLINE_SHARE = 2 / 3
"""Share of the steps whose clicks are learned from headlines; the others use abstracts. A vector of an article has
its headline twice, as headline and in place of the topic, where categories are numbers.
"""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """Articles of one step, each kind possibly empty.

    field: of the texts of `together`, `reads` and `candidates`; described: articles whose headline and abstract
    are a pair [a]; together: [b, 2]; reads: drawn reads, −1 for none [c, 2]; candidates: the clicked one, then
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
        pairs = data.together[_drawn(len(data.together), READ_PAIRS, rng)]
        flipped = rng.random(len(pairs)) < 0.5
        pairs = np.where(flipped[:, None], pairs[:, ::-1], pairs)
        slates = _drawn(len(data.choices), CHOICES, rng)
        return cls(
            field, articles, pairs, _reads(data.choices, slates, rng), _candidates(data.choices, slates, rng)
        )


def _drawn(size: int, count: int, rng: np.random.Generator) -> Ints:
    return rng.choice(size, min(size, count), replace=False).astype(np.int64)


def _reads(choices: SlateChoices, slates: Ints, rng: np.random.Generator) -> Ints:
    reads = choices.reads[slates]
    key = np.where(reads < 0, np.inf, rng.random(reads.shape))
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
