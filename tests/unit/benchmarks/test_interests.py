import numpy as np
import pytest

from benchmarks.interests import planted, recall
from benchmarks.posterior import Posterior, sampled, seen
from recsys.domain import DAY, SECOND
from recsys.simulate.truth import chance, click_logit
from recsys.simulate.world import START, simulate

WORLD = simulate(readers=30, articles=200, days=4)
UNTIL = round(START.timestamp()) * SECOND + 3 * DAY


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return sampled(WORLD, UNTIL, trials=200)


def test_recall_is_the_share_of_the_best_that_are_found() -> None:
    truth = np.asarray([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
    assert recall(truth, truth).tolist() == [1.0, 1.0]
    assert recall(-truth, truth).tolist() == pytest.approx([2 / 3, 2 / 3])


def test_the_posterior_knows_more_of_tastes_than_chance(posterior: Posterior) -> None:
    found = posterior.best_categories(3)
    np.testing.assert_allclose(found.sum(axis=1), 3)
    assert recall(found, planted(WORLD)).mean() > recall(np.zeros_like(found), planted(WORLD)).mean() + 0.15


def test_its_chances_of_a_click_go_with_the_true_ones(posterior: Posterior) -> None:
    log = seen(WORLD)
    late = log.at >= UNTIL
    asked = log.reader[late], log.article[late], log.at[late]
    true = chance(click_logit(WORLD.readers, WORLD.newsroom, *asked))
    guessed, better = (posterior.chances(*asked, appeal_known=known) for known in (False, True))
    assert ((guessed > 0) & (guessed < 1)).all()
    assert np.corrcoef(better, true)[0, 1] > np.corrcoef(guessed, true)[0, 1] > 0.3


def test_what_happened_later_says_nothing_of_appeal(posterior: Posterior) -> None:
    log = seen(WORLD)
    now = int(log.at[len(log.at) // 2])
    then = log.at == now
    asked = log.reader[then], log.article[then], log.at[then]
    cut = Posterior(WORLD, log.before(now))
    cut.tastes, cut.noisy = posterior.tastes, posterior.noisy
    everything, before = (each.chances(*asked, appeal_known=False) for each in (posterior, cut))
    np.testing.assert_allclose(everything, before, rtol=1e-6)
