import numpy as np

from recsys.adaptation.adaptation_validation import choosing_half


def test_no_reader_both_chooses_and_judges() -> None:
    readers = np.random.default_rng(0).integers(0, 101, 2_000)
    choosing = choosing_half(readers, 7)
    one, other = set(readers[choosing].tolist()), set(readers[~choosing].tolist())
    assert not one & other
    assert abs(len(one) - len(other)) <= 1
    np.testing.assert_array_equal(choosing, choosing_half(readers, 7))
    assert (choosing != choosing_half(readers, 8)).any()
