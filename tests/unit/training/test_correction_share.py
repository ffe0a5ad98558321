"""Share of a slate's order that depends on the other candidates."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import Interval, intervals
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.systems import FULL_SYSTEM, POINTWISE
from recsys.training.correction_share import LEAST_SAME_WINNER, LEAST_SPEARMAN, chosen
from recsys.training.text_feature_gate import TEXT_FREE_SYSTEMS
from tests.unit.evaluation.answers import answers as answers_of

SLATES, SIZE = 300, 8


def judged(corrected: NDArray[np.float64], twin: NDArray[np.float64] | None = None) -> ReplayScores:
    """Return scores of the full system, of the pointwise ranker, and of the twins of both."""
    stated = {POINTWISE: scores(), FULL_SYSTEM: corrected, TEXT_FREE_SYSTEMS[POINTWISE]: scores()}
    stated[TEXT_FREE_SYSTEMS[FULL_SYSTEM]] = corrected if twin is None else twin
    labels = np.zeros((SLATES, SIZE), dtype=int).tolist()
    return answers_of(labels, **{name: each.reshape(SLATES, SIZE).tolist() for name, each in stated.items()})


def scores(noise: float = 0.0) -> NDArray[np.float64]:
    common, own = (np.random.default_rng(seed).normal(size=SLATES * SIZE) for seed in (1, 2))
    return common + noise * own


def agreement(of: ReplayScores) -> tuple[Interval, Interval]:
    one, other = of.slates(FULL_SYSTEM), of.slates(POINTWISE)
    reported = {"order": metrics.spearman(one, other), "winner": metrics.top1_agreement(one, other)}
    order, winner = intervals(reported, of.readers).values()
    return order, winner


def with_share(of: ReplayScores, share: float) -> ReplayScores:
    alone, full = of.scores[POINTWISE], of.scores[FULL_SYSTEM]
    return replace(of, scores={**of.scores, FULL_SYSTEM: alone + share * (full - alone)})


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0, 3.0])
def test_as_much_as_keeps_the_order_and_no_more(noise: float) -> None:
    answers, shares = chosen(judged(scores(noise)))
    order, winner = agreement(answers)
    found = shares[FULL_SYSTEM]
    assert (order.mean, winner.mean) == pytest.approx((found.spearman, found.top1_agreement))
    assert order.low >= LEAST_SPEARMAN
    assert winner.low >= LEAST_SAME_WINNER
    if found.share < 1:
        order, winner = agreement(with_share(judged(scores(noise)), found.share + 0.05))
        assert order.low < LEAST_SPEARMAN or winner.low < LEAST_SAME_WINNER


def test_a_correction_that_changes_no_order_counts_in_full_and_one_that_turns_it_around_not_at_all() -> None:
    assert chosen(judged(2 * scores()))[1][FULL_SYSTEM].share == 1.0
    turned = chosen(judged(-20 * scores()))[1][FULL_SYSTEM]
    assert turned.as_dict() == {"share": 0.0, "spearman": 1.0, "top1_agreement": 1.0}


def test_the_twin_has_a_share_of_its_own() -> None:
    answers, shares = chosen(judged(scores(1.0), twin=scores()))
    assert shares[FULL_SYSTEM].share < shares[TEXT_FREE_SYSTEMS[FULL_SYSTEM]].share == 1.0
    np.testing.assert_array_equal(answers.scores[TEXT_FREE_SYSTEMS[FULL_SYSTEM]], scores())
    np.testing.assert_array_equal(answers.scores[POINTWISE], scores())


def test_slates_with_nothing_to_order_do_not_soften_the_rule() -> None:
    of = judged(scores(1.0))
    single = answers_of([[1]] * 900, **{name: [[1.0]] * 900 for name in of.scores})
    both = replace(
        of,
        scores={name: np.append(of.scores[name], single.scores[name]) for name in of.scores},
        labels=np.append(of.labels, single.labels),
        offsets=np.append(of.offsets, of.offsets[-1] + single.offsets[1:]),
        readers=np.arange(len(of) + len(single)),
    )
    assert chosen(both)[1][FULL_SYSTEM].top1_agreement == pytest.approx(chosen(of)[1][FULL_SYSTEM].top1_agreement)
