"""How much of a slate's order may hang on the other candidates."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import Interval, intervals
from recsys.evaluation.replay import Answers
from recsys.evaluation.systems import FULL, OF_MANY
from recsys.training.content import TWINS
from recsys.training.rivals import LEAST_SAME_WINNER, LEAST_SPEARMAN, Rivals
from tests.unit.evaluation.answers import answers

SLATES, SIZE = 300, 8


def judged(corrected: NDArray[np.float64]) -> Answers:
    """What the full system says, beside what ranks many, and the twins of both."""
    said = {OF_MANY: scores(), FULL: corrected, TWINS[OF_MANY]: -scores(), TWINS[FULL]: -corrected}
    labels = np.zeros((SLATES, SIZE), dtype=int).tolist()
    return answers(labels, **{name: each.reshape(SLATES, SIZE).tolist() for name, each in said.items()})


def scores(noise: float = 0.0) -> NDArray[np.float64]:
    common, own = (np.random.default_rng(seed).normal(size=SLATES * SIZE) for seed in (1, 2))
    return common + noise * own


def agreement(of: Answers) -> tuple[Interval, Interval]:
    one, other = of.slates(FULL), of.slates(OF_MANY)
    told = {"order": metrics.spearman(one, other), "winner": metrics.same_winner(one, other)}
    order, winner = intervals(told, of.readers).values()
    return order, winner


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0, 3.0])
def test_as_much_as_keeps_the_order_and_no_more(noise: float) -> None:
    of = judged(scores(noise))
    found = Rivals.of(of)
    order, winner = agreement(found.applied(of))
    assert (order.mean, winner.mean) == pytest.approx((found.spearman, found.same_winner))
    assert order.low >= LEAST_SPEARMAN
    assert winner.low >= LEAST_SAME_WINNER
    if found.share < 1:
        order, winner = agreement(replace(found, share=found.share + 0.05).applied(of))
        assert order.low < LEAST_SPEARMAN or winner.low < LEAST_SAME_WINNER


def test_a_correction_that_changes_no_order_counts_in_full_and_one_that_turns_it_around_not_at_all() -> None:
    assert Rivals.of(judged(2 * scores())).share == 1.0
    turned = Rivals.of(judged(-20 * scores()))
    assert turned.as_dict() == {"share": 0.0, "spearman": 1.0, "same_winner": 1.0}


def test_the_twin_is_corrected_as_much() -> None:
    of = judged(scores(1.0))
    found = Rivals.of(of).applied(of).scores
    np.testing.assert_allclose(found[TWINS[FULL]], -found[FULL])
    np.testing.assert_array_equal(found[OF_MANY], scores())
