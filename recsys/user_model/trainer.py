"""Training the preference network: sampled-softmax cross-entropy on clicks against what was passed over.

Beside it, cross-entropy on which reads were important, where the log tells; a log without dwell trains from clicks
alone. Importance teaches its head and nothing else: with its gradient in the rest of the network, AUC on EB-NeRD
fell from 0.555 to 0.550, whether clicks were learned in the same pass or in one of their own (docs/log.md).
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.user_model.batch_scoring import histories, masked, scores, shuffled_alike
from recsys.user_model.preference_data import PreferenceData, sample_pairs
from recsys.user_model.preference_network import PreferenceNetwork

_JUDGED = 4
"""Importance is learned from one history in so many: more would cost time and has more labels than it needs."""


@dataclass(frozen=True, slots=True)
class FitConfig:
    """How the network is trained.

    importance: weight of the loss on importance beside that on clicks; withheld: share of the reads of known
    outcome that it is taken on, their dwell hidden from the network.
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
    """Trains one network on slates of one data set; can go on where it stopped."""

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
        # streams of their own: a log without dwell is trained as if importance did not exist
        self._withholding = np.random.default_rng([config.seed, 1])
        head = set(network.important.parameters())
        self._optimizer = self._adamw(weight for weight in network.parameters() if weight not in head)
        self._head_optimizer = self._adamw(network.important.parameters())

    def _adamw(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.AdamW:
        rate, decay = self._config.learning_rate, self._config.weight_decay
        return torch.optim.AdamW(list(parameters), lr=rate, weight_decay=decay)

    def epoch(self, slates: NDArray[np.int64]) -> float:
        """One pass over `slates` in random order; returns the mean loss."""
        which, rows = sample_pairs(self._data, slates, self._config.negatives, self._rng)
        batches = shuffled_alike(self._data.lengths(which), self._config.batch, self._rng)
        self.network.train()
        losses = [self._step(which[batch], rows[batch]) for batch in batches]
        self.network.eval()
        return float(np.mean(losses)) if losses else float("nan")

    def fit_with_early_stopping(
        self, slates: NDArray[np.int64], quality: Callable[[], float], on_epoch: Callable[[int, float], None]
    ) -> None:
        """Train epochs until `quality` has not grown for `patience` of them; the best weights stay."""
        best, kept, since = quality(), copy.deepcopy(self.network.state_dict()), 0
        for epoch in range(self._config.epochs):
            self.epoch(slates)
            now = quality()
            on_epoch(epoch, now)
            since = 0 if now > best else since + 1
            if now > best:
                best, kept = now, copy.deepcopy(self.network.state_dict())
            if since >= self._config.patience:
                break
        self.network.load_state_dict(kept)

    def scores(self, slates: NDArray[np.int64]) -> list[NDArray[np.float64]]:
        """Logits of all candidates of each of `slates`."""
        return scores(self.network, self._data, slates, self._vectors, self._config.batch)

    def _step(self, which: NDArray[np.int64], rows: NDArray[np.int32]) -> float:
        interests_BKP, _ = self.network.interests(histories(self._data, which, self._vectors))
        logits_BN = self.network.scores(interests_BKP, self._vectors[torch.from_numpy(rows.astype(np.int64))])
        target_B = torch.zeros(len(which), dtype=torch.long, device=self.device)
        loss = torch.nn.functional.cross_entropy(logits_BN, target_B)
        _descend(self._optimizer, loss)
        self._importance_step(which[::_JUDGED])
        return loss.item()

    def _importance_step(self, slates: NDArray[np.int64]) -> None:
        """Teach the head on reads whose dwell is withheld from the network, which itself stays as it is."""
        masked_BH = masked(self._data.important[slates], self._config.masked, self._withholding)
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
    """One step, with gradients no longer than 1."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [weight for group in optimizer.param_groups for weight in group["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
