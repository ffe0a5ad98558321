"""Matcher of a training: for each time, the network that was trained only on slates before it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.user_model.matcher import Match, ReadHistory
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.network_weights import PreferenceConfig, PreferenceWeights


@dataclass(frozen=True, slots=True)
class PrequentialMatcher:
    """Matcher that uses the network of the time.

    Each is trained only on slates before its `start` (microseconds), and its evidence is weighted by slates that
    it was not trained on.
    """

    starts: NDArray[np.int64]
    matchers: list[NetworkMatcher]

    def match(self, reads: ReadHistory, candidates: NDArray[np.float32], as_of: int) -> Match:
        """Implement `Matcher.match`."""
        return self._at(as_of).match(reads, candidates, as_of)

    def with_evidence(
        self, scores: NDArray[np.float64], evidence: NDArray[np.float32], as_of: int
    ) -> NDArray[np.float64]:
        """Implement `Matcher.with_evidence`."""
        return self._at(as_of).with_evidence(scores, evidence, as_of)

    def leave_one_out_scores(
        self, reads: ReadHistory, items: NDArray[np.intp], candidates: NDArray[np.float32], as_of: int
    ) -> NDArray[np.float64]:
        """Implement `Matcher.leave_one_out_scores`."""
        return self._at(as_of).leave_one_out_scores(reads, items, candidates, as_of)

    def interests(self, reads: ReadHistory, as_of: int) -> NDArray[np.float32]:
        """Implement `Matcher.interests`."""
        return self._at(as_of).interests(reads, as_of)

    @property
    def newest(self) -> PreferenceWeights:
        """Return the weights to serve."""
        return self.matchers[-1].weights

    def calibrate(self, config: PreferenceConfig) -> None:
        """Apply the calibration of `config` to every network.

        Rankers must train on the scores they are served with.
        """
        self.matchers[:] = [NetworkMatcher(matcher.weights.calibrated(config)) for matcher in self.matchers]

    def _at(self, as_of: int) -> NetworkMatcher:
        return self.matchers[max(0, int(np.searchsorted(self.starts, as_of, side="right")) - 1)]
