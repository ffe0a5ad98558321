"""Training of the preference network: sampled-softmax cross-entropy of each click against unclicked candidates.

A second loss, cross-entropy on important reads, applies where the log has outcomes; without dwell, training uses
clicks only. It updates only its own head: with its gradient in the whole network, AUC on EB-NeRD fell from 0.555
to 0.550, in a joint pass as well as in a separate one (docs/log/).
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.user_model.batch_scoring import directions, histories, masked, scores, shuffled_by_length
from recsys.user_model.evidence_weights import fitted_evidence
from recsys.user_model.preference_data import PreferenceData, sample_pairs
from recsys.user_model.preference_network import PreferenceNetwork

_IMPORTANCE_STRIDE = 4
"""Importance is learned from every n-th history: more takes time, and these have labels enough."""


@dataclass(frozen=True, slots=True)
class FitConfig:
    """Training settings of the network.

    importance: weight of the importance loss; masked: share of the reads with known outcome that it is computed
    on, with their dwell hidden from the network.
    """

    epochs: int = 8
    patience: int = 2
    batch: int = 256
    negatives: int = 4
    learning_rate: float = 5e-4
    weight_decay: float = 1e-2
    importance: float = 0.3
    masked: float = 0.2
    seed: int = 7


class Trainer:
    """Trainer of one network on one data set. It can continue after a stop."""

    def __init__(
        self,
        network: PreferenceNetwork,
        data: PreferenceData,
        vectors: NDArray[np.float32],
        config: FitConfig,
        device: torch.device | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.device = device or torch.device("cpu")
        self.network = network.to(self.device)
        self._data = data
        self._vectors = torch.from_numpy(vectors).to(self.device)
        self._config = config
        self._rng = np.random.default_rng(config.seed)
        # a separate random stream: a log without dwell trains as if the importance head did not exist
        self._masking_rng = np.random.default_rng([config.seed, 1])
        head = set(network.important.parameters())
        self._optimizer = self._adamw(weight for weight in network.parameters() if weight not in head)
        self._head_optimizer = self._adamw(network.important.parameters())

    def _adamw(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.AdamW:
        rate, decay = self._config.learning_rate, self._config.weight_decay
        return torch.optim.AdamW(list(parameters), lr=rate, weight_decay=decay)

    def epoch(self, slates: NDArray[np.int64]) -> float:
        """Train one pass over `slates` in random order, and return the mean loss."""
        which, places = sample_pairs(self._data, slates, self._config.negatives, self._rng)
        rows = self._data.candidates[places]
        batches = shuffled_by_length(self._data.lengths(which), self._config.batch, self._rng)
        self.network.train()
        losses = [self._step(which[batch], rows[batch]) for batch in batches]
        self.network.eval()
        return float(np.mean(losses)) if losses else float("nan")

    def fit_with_early_stopping(
        self, slates: NDArray[np.int64], quality: Callable[[], float], on_epoch: Callable[[int, float], None]
    ) -> None:
        """Train until `quality` has not improved for `patience` epochs, and keep the best weights."""
        best, best_weights, stale_epochs = quality(), copy.deepcopy(self.network.state_dict()), 0
        for epoch in range(self._config.epochs):
            self.epoch(slates)
            now = quality()
            on_epoch(epoch, now)
            stale_epochs = 0 if now > best else stale_epochs + 1
            if now > best:
                best, best_weights = now, copy.deepcopy(self.network.state_dict())
            if stale_epochs >= self._config.patience:
                break
        self.network.load_state_dict(best_weights)

    def fit_evidence(self, slates: NDArray[np.int64]) -> None:
        """Weigh the network's own match and the evidence by `slates`, which it must not have been trained on."""
        weights = fitted_evidence(self._data, slates, self.scores(slates), self._config.seed)
        if weights is not None:
            self.network.evidence.copy_(torch.from_numpy(weights))

    def scores(self, slates: NDArray[np.int64]) -> list[NDArray[np.float64]]:
        """Return the network's own logits of all candidates of each of `slates`."""
        return scores(self.network, self._data, slates, self._vectors, self._config.batch)

    def _step(self, which: NDArray[np.int64], rows: NDArray[np.int32]) -> float:
        interests, _ = self.network.interests(histories(self._data, which, self._vectors))
        logits_BN = self.network.logits(interests, directions(self.network, rows, self._vectors))
        target_B = torch.zeros(len(which), dtype=torch.long, device=self.device)
        loss = torch.nn.functional.cross_entropy(logits_BN, target_B)
        _descend(self._optimizer, loss)
        self._importance_step(which[::_IMPORTANCE_STRIDE])
        return loss.item()

    def _importance_step(self, slates: NDArray[np.int64]) -> None:
        """Train the importance head on reads with hidden dwell; the network itself does not change."""
        masked_BH = masked(self._data.important[slates], self._config.masked, self._masking_rng)
        if not masked_BH.any():
            return
        history = histories(self._data, slates, self._vectors)
        hidden_BH = torch.from_numpy(masked_BH[:, : history.mask.shape[1]]).to(self.device)
        self.network.eval()
        with torch.no_grad():
            seen = self.network.read(history.without_dwell(hidden_BH))
        self.network.train()
        odds = self.network.importance(seen)[hidden_BH]
        target = torch.from_numpy(self._data.important[slates][masked_BH].astype(np.float32)).to(self.device)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(odds, target)
        _descend(self._head_optimizer, self._config.importance * loss)


def _descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    """Take one optimizer step, with the gradient norm clipped to 1."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [weight for group in optimizer.param_groups for weight in group["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
