import numpy as np
import pytest

from benchmarks.interests import recall


def test_recall_is_the_share_of_the_best_that_are_found() -> None:
    truth = np.asarray([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
    assert recall(truth, truth).tolist() == [1.0, 1.0]
    assert recall(-truth, truth).tolist() == pytest.approx([2 / 3, 2 / 3])
