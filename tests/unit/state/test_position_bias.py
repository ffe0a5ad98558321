import numpy as np
import pytest

from recsys.simulate.truth import examination
from recsys.state.position_bias import EXAMINATION, examination_probability


def test_every_place_counts_in_full_where_the_order_means_nothing() -> None:
    assert examination_probability(np.zeros(3, dtype=np.int64)).tolist() == [1, 1, 1]


def test_places_are_looked_at_less_the_further_down_they_are() -> None:
    looks = examination_probability(np.arange(1, 300))
    assert looks[0] == 1
    assert (np.diff(looks[:255]) < 0).all()
    assert (looks[255:] == EXAMINATION[255]).all()


def test_simulated_readers_look_as_the_default_says() -> None:
    assert examination_probability(np.arange(1, 21)) == pytest.approx(examination(np.arange(20)))
