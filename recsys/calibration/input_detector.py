"""Profile and detector of inputs: how normal inputs are attended, and which ones do not belong.

The profile standardises the statistics of each input, by position where all examples have the same layout (image
patches, steps of a context), else over all positions (texts), and adds its content (`input_content`). The detector
is the network of `token_detector`, which finds the kinds of damage that it was trained on. An input whose content
is more unusual than nearly all normal ones is likely damaged, too, whatever its kind.

Shapes: B examples, T keys, N inner keys (those that may be flagged), I statistics of an input,
C numbers of its content.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.input_content import UNUSUAL, ContentProfile
from recsys.calibration.token_detector import (
    FLAGGED_TEXTS_CLEAN,
    TokenBatch,
    TokenDetector,
    anomaly_score,
    fit_tokens,
)
from recsys.calibration.training_loop import FitConfig, conformal_limit

_LEAST_DEVIATION = 1e-3
_CLIP = 8.0
ENOUGH = 100
"""Examples that a position needs for its own norm; with fewer, all positions are pooled."""

NORMAL = 0.995
"""Share of normal inputs below the limit of unusual content."""

_STEEPNESS = 20.0
"""How fast the probability of damage by unusual content rises at the limit."""


@dataclass(frozen=True, slots=True)
class SeenInputs:
    """Statistics of the inner keys of B examples, moved to the front.

    statistics: [B, N, I]; content: [B, N, C]; inner: False behind the last inner key [B, N]; position: key of
    each [B, N].
    """

    statistics: NDArray[np.float32]
    content: NDArray[np.float32]
    inner: NDArray[np.bool_]
    position: NDArray[np.int64]

    @classmethod
    def of(
        cls, statistics_BTI: NDArray[np.float32], content_BTC: NDArray[np.float32], inner_BT: NDArray[np.bool_]
    ) -> "SeenInputs":
        """Select the inner keys."""
        count = max(int(inner_BT.sum(axis=1).max(initial=0)), 1)
        position = np.argsort(~inner_BT, axis=1, kind="stable")[:, :count]
        inner = np.take_along_axis(inner_BT, position, axis=1)
        statistics, content = (
            np.take_along_axis(values, position[..., None], axis=1) * inner[..., None]
            for values in (statistics_BTI, content_BTC)
        )
        return cls(statistics, content, inner, position)

    def selected(self, values_BT: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the values of the inner keys [B, N], False behind the last one."""
        return np.take_along_axis(values_BT, self.position, axis=1) & self.inner

    def scattered(self, values_BN: NDArray[np.float64], keys: int) -> NDArray[np.float64]:
        """Return values of inner keys in their positions [B, keys], 0 elsewhere."""
        out = np.zeros((len(values_BN), keys))
        np.put_along_axis(out, self.position, np.where(self.inner, values_BN, 0.0), axis=1)
        return out


@dataclass(frozen=True, slots=True)
class InputProfile:
    """Normal inputs: mean and deviation of their statistics, [N, I] by position, or [1, I] for all positions.

    content: None leaves it out.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    content: ContentProfile | None

    @classmethod
    def of(cls, seen: Sequence[SeenInputs]) -> "InputProfile":
        """Build the profile of undamaged examples."""
        first = seen[0].position[0]
        same = all(each.inner.all() and (each.position == first).all() for each in seen)
        fixed = same and sum(len(each.inner) for each in seen) >= ENOUGH
        if fixed:
            values = np.concatenate([each.statistics for each in seen])
        else:
            values = np.concatenate([each.statistics[each.inner] for each in seen])[:, None]
        deviation = np.maximum(values.std(axis=0), _LEAST_DEVIATION)
        content = ContentProfile.of([each.content for each in seen], [each.inner for each in seen], fixed)
        return cls(values.mean(axis=0).astype(np.float32), deviation.astype(np.float32), content)

    @property
    def size(self) -> int:
        """Return the number of features of an input."""
        return int(self.mean.shape[-1]) + (0 if self.content is None else self.content.size)

    def of_statistics(self) -> "InputProfile":
        """Return the profile without the content."""
        return replace(self, content=None)

    def statistics(self, batch: TokenBatch) -> TokenBatch:
        """Return a batch of this profile without the content."""
        return replace(batch, features=batch.features[..., : self.mean.shape[-1]])

    def batch(self, seen: SeenInputs, damaged_BN: NDArray[np.bool_] | None = None) -> TokenBatch:
        """Return standardised statistics, within ±8, and the content, for the detector; `damaged_BN`: labels."""
        standard = np.clip((seen.statistics - self.mean) / self.deviation, -_CLIP, _CLIP).astype(np.float32)
        features = standard
        if self.content is not None:
            features = np.concatenate([standard, self.content.features(seen.content, seen.inner)], axis=-1)
        labels = np.zeros(seen.inner.shape, dtype=np.bool_) if damaged_BN is None else damaged_BN
        return TokenBatch(features * seen.inner[..., None], seen.inner, labels)


@dataclass(frozen=True, slots=True)
class InputDetector:
    """Profile, and the network that estimates how likely each input is damaged.

    limits: median and limit of unusual content among normal inputs [2, 3]; None flags only what the network knows.
    """

    profile: InputProfile
    network: TokenDetector
    limits: NDArray[np.float64] | None

    def of_trained_kinds(self) -> "InputDetector":
        """Return the detector that does not flag unusual content."""
        return replace(self, limits=None)

    def probabilities(self, seen: SeenInputs) -> NDArray[np.float64]:
        """Return the probability of damage of each inner key [B, N], 0 behind the last one.

        It is that of the network, or that of unusual content: σ(20 · (z − 1)) with z = 0 at the median and 1 at
        the limit of normal inputs, if that is larger.
        """
        batch = self.profile.batch(seen)
        known_BN = self.network.of_batch(batch)
        if self.limits is None:
            return known_BN
        middle, limit = self.limits
        above_BN = ((_unusual(batch) - middle) / (limit - middle)).max(axis=-1)
        odds_BN = np.clip(_STEEPNESS * (above_BN - 1), -50.0, 50.0)
        unusual_BN = 1 / (1 + np.exp(-odds_BN))
        return np.where(seen.inner, np.maximum(known_BN, unusual_BN), 0.0)

    def scores(self, seen: SeenInputs) -> NDArray[np.float64]:
        """Return the anomaly score of each example [B]; above `network.limit` it is flagged."""
        return anomaly_score(self.probabilities(seen), seen.inner)

    def flagging(self, share: float, clean: Sequence[SeenInputs]) -> "InputDetector":
        """Return the detector with the limit that flags about `share` of examples like `clean`."""
        limit = conformal_limit(np.concatenate([self.scores(each) for each in clean]), 1 - share)
        return replace(self, network=replace(self.network, limit=limit))


def fit_inputs(
    profile: InputProfile, training: Sequence[TokenBatch], limiting: Sequence[SeenInputs], config: FitConfig
) -> InputDetector:
    """Train a detector on batches of `profile`, undamaged and damaged.

    `limiting`: other undamaged examples, which set the limits.
    """
    normal = [profile.batch(each) for each in limiting]
    network = fit_tokens(training, normal, config)
    if profile.content is None:
        return InputDetector(profile, network, None)
    unusual = np.concatenate([_unusual(each)[each.inner] for each in normal])
    middle, limit = np.quantile(unusual, (0.5, NORMAL), axis=0)
    limits = np.stack([middle, np.maximum(limit, middle + _LEAST_DEVIATION)])
    return InputDetector(profile, network, limits).flagging(FLAGGED_TEXTS_CLEAN, limiting)


def _unusual(batch: TokenBatch) -> NDArray[np.float32]:
    """Return how unusual the content of each input is [B, N, 3]."""
    return batch.features[..., -len(UNUSUAL) :]
