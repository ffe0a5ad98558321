"""Simulated readers: affinities, visiting times and reading habits."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recsys.simulate.language import TOPICS
from recsys.simulate.newsroom import Bools, Floats
from recsys.simulate.phrases import CATEGORIES

NOISY_SHARE = 0.1
INTERESTS = 3  # categories that a reader follows
INTEREST_EVENNESS = 3.0  # Dirichlet concentration of their shares: a large value means even shares
SUBCATEGORY_FOCUS = 0.7
CURIOSITY = 0.1  # share of attention spread evenly over all topics
VISITS_A_DAY = 1.3  # median
DEVICES = ("mobile", "desktop", "tablet")
_DEVICE_SHARES = (0.65, 0.28, 0.07)
POSITION_BIAS = 0.35
_HABITS = (7.5, 12.3, 17.5, 21.0)  # hours around which people read


@dataclass(frozen=True, eq=False)
class Readers:
    """Readers [R].

    Attributes:
        ids: object [R].
        affinity: float64 [R, topics], rows sum to 1.
        noisy: bool [R], readers who click on clickbait and bounce.
        words_a_minute: float64 [R], reading speed.
        visits_a_day: float64 [R].
        habit: float64 [R], usual hour of the reader's visits.
        device: object [R].
        position_bias: exponent of the examination probability: how soon they stop looking.
    """

    ids: NDArray[np.object_]
    affinity: Floats
    noisy: Bools
    words_a_minute: Floats
    visits_a_day: Floats
    habit: Floats
    device: NDArray[np.object_]
    position_bias: float = POSITION_BIAS

    @cached_property
    def places(self) -> dict[str, int]:
        """Return id → index of the arrays."""
        return {id_: place for place, id_ in enumerate(self.ids.tolist())}

    def category_affinities(self) -> dict[str, dict[str, float]]:
        """Return reader → category → weight; the weights of a reader sum to 1."""
        names = [category.name for category in CATEGORIES]
        of_topic = np.array([names.index(category.name) for category, _ in TOPICS])
        weights = self.affinity @ np.eye(len(names))[of_topic]
        return {
            reader: dict(zip(names, row, strict=True))
            for reader, row in zip(self.ids.tolist(), weights.tolist(), strict=True)
        }


def recruit(readers: int, rng: np.random.Generator) -> Readers:
    """Draw `readers` with affinities for categories and, within each, for subcategories."""
    return Readers(
        ids=np.array([f"r{number:05d}" for number in range(readers)], dtype=object),
        affinity=_affinities(readers, rng),
        noisy=rng.random(readers) < NOISY_SHARE,
        words_a_minute=np.clip(rng.normal(235, 45, size=readers), 120, 420),
        visits_a_day=np.minimum(VISITS_A_DAY * rng.lognormal(0, 0.6, size=readers), 8),
        habit=rng.choice(_HABITS, size=readers) + rng.normal(0, 0.7, size=readers),
        device=np.array(DEVICES, dtype=object)[rng.choice(len(DEVICES), size=readers, p=_DEVICE_SHARES)],
    )


def _affinities(readers: int, rng: np.random.Generator) -> Floats:
    by_category = _interests(readers, rng)
    blocks = [
        by_category[:, [place]] * rng.dirichlet(np.full(len(category.subcategories), SUBCATEGORY_FOCUS), readers)
        for place, category in enumerate(CATEGORIES)
    ]
    return (1 - CURIOSITY) * np.concatenate(blocks, axis=1) + CURIOSITY / len(TOPICS)


def _interests(readers: int, rng: np.random.Generator) -> Floats:
    """Return the share of each category in each reader's interest [R, categories]; only a few are above 0."""
    shares = np.zeros((readers, len(CATEGORIES)))
    shares[:, :INTERESTS] = rng.dirichlet(np.full(INTERESTS, INTEREST_EVENNESS), size=readers)
    return rng.permuted(shares, axis=1)
