"""The gate of the field weights, on made-up articles whose slates score by abstracts alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.calibration.field_weights import FieldWeights
from recsys.training.calibration.ablation_arms import OFF, TOKENS
from recsys.training.calibration.damaged_text import NoiseKind
from recsys.training.calibration.field_gate import gate_fields
from recsys.training.calibration.text_corruption import Injector
from recsys.training.training_run import silent

ARTICLES, DIM = 400, 8
ARMS = (OFF, TOKENS)


def units(seed: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(ARTICLES, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class Exchangeable:
    """Articles whose abstract equals their headline; a slate's AUC is the share of its abstracts that still do.

    damage: of a damaged title, which no detector finds; weights: the field weights of the only calibrator.
    """

    weights: FieldWeights
    headlines: NDArray[np.float32] = field(default_factory=lambda: units(1))
    context: NDArray[np.float32] = field(default_factory=lambda: np.stack([units(2), units(1)], axis=1))
    damage: float = 0.0

    articles = pl.DataFrame({"title": ["a title"] * ARTICLES})
    folds = np.zeros(ARTICLES, dtype=np.int64)
    readers = np.arange(ARTICLES)

    @property
    def calibrators(self) -> Sequence[SimpleNamespace]:
        return [SimpleNamespace(fields=self.weights)]

    @property
    def abstracts(self) -> NDArray[np.float32]:
        return self.context[:, 1]

    def injector(self) -> Injector:
        return Injector(["word"], ["another title of words"])

    def encoded(
        self,
        rows: NDArray[np.int64],
        kinds: Sequence[NoiseKind | None],
        injector: Injector,
        seed: int,
        arms: Sequence[str],
    ) -> dict[str, NDArray[np.float32]]:
        changed = np.asarray([kind is not None for kind in kinds])
        vectors = np.where(changed[:, None], -self.headlines[rows], self.headlines[rows])
        return dict.fromkeys(arms, vectors if self.damage else self.headlines[rows])

    def aucs(self, headlines: NDArray[np.float32], abstracts: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray((abstracts * self.headlines).sum(axis=1), dtype=np.float64)


def decided(trial: Exchangeable) -> tuple[bool, dict[str, float]]:
    undamaged = dict.fromkeys(ARMS, trial.headlines)
    return gate_fields(trial, undamaged, TOKENS, 7, silent)  # type: ignore[arg-type]


def test_field_weights_that_recover_the_abstracts_of_other_articles_are_on() -> None:
    on, found = decided(Exchangeable(FieldWeights(0.8, 0.9)))
    assert on
    assert found["lost"] > 0.1
    assert found["robust"]["low"] > 0  # type: ignore[index]
    assert found["clean"]["mean"] == 0  # type: ignore[index]


def test_field_weights_that_hurt_undamaged_articles_are_off() -> None:
    trial = Exchangeable(FieldWeights(0.8, 0.9))
    differing = replace(trial, context=np.stack([units(2), units(3)], axis=1))

    class ByOwnAbstract(Exchangeable):
        def aucs(self, headlines: NDArray[np.float32], abstracts: NDArray[np.float32]) -> NDArray[np.float64]:
            return np.asarray((abstracts * units(3)).sum(axis=1), dtype=np.float64)

    on, found = decided(ByOwnAbstract(differing.weights, context=differing.context))
    assert not on
    assert found["clean"]["mean"] < -0.1  # type: ignore[index]
    assert found["robust"] is None, "what harms undamaged articles is not tried on damaged ones"


def test_field_weights_are_off_where_damaged_titles_lose_more_than_abstracts_win() -> None:
    on, found = decided(Exchangeable(FieldWeights(0.8, 0.9), damage=1.0))
    assert not on
    assert found["robust"]["mean"] < 0  # type: ignore[index]


def test_articles_without_abstracts_leave_field_weights_off() -> None:
    nothing = np.zeros((ARTICLES, 2, DIM), dtype=np.float32)
    on, found = decided(Exchangeable(FieldWeights(), context=nothing))
    assert not on
    assert found["robust"]["mean"] == 0  # type: ignore[index]
