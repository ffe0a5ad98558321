"""Training the preference network: sampled-softmax cross-entropy on clicks against what was passed over."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.preference.batches import parts, shuffled_alike
from recsys.preference.data import PreferenceData, sample_pairs
from recsys.preference.network import PreferenceNetwork


@dataclass(frozen=True, slots=True)
class FitConfig:
    """How the network is trained."""

    epochs: int = 8
    patience: int = 2
    batch: int = 256
    negatives: int = 4
    learning_rate: float = 5e-4
    weight_decay: float = 1e-2
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
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    def epoch(self, slates: NDArray[np.int64]) -> float:
        """One pass over `slates` in random order; returns the mean loss."""
        which, rows = sample_pairs(self._data, slates, self._config.negatives, self._rng)
        batches = shuffled_alike(self._data.lengths(which), self._config.batch, self._rng)
        self.network.train()
        losses = [self._step(which[batch], rows[batch]) for batch in batches]
        self.network.eval()
        return float(np.mean(losses)) if losses else float("nan")

    def until_it_stops_helping(
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
        """Logits of all candidates of each of `slates`, scored among histories of like length."""
        order = np.argsort(self._data.lengths(slates), kind="stable")
        with torch.inference_mode():
            found = [part for batch in parts(slates[order], self._config.batch) for part in self._score(batch)]
        return [found[place] for place in np.argsort(order)]

    def _step(self, which: NDArray[np.int64], rows: NDArray[np.int32]) -> float:
        interests_BKP, _ = self._interests(which)
        logits_BN = self.network.scores(interests_BKP, self._vectors[torch.from_numpy(rows.astype(np.int64))])
        target_B = torch.zeros(len(which), dtype=torch.long, device=self.device)
        loss = torch.nn.functional.cross_entropy(logits_BN, target_B)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimizer.step()
        return loss.item()

    def _score(self, slates: NDArray[np.int64]) -> list[NDArray[np.float64]]:
        interests_BKP, _ = self._interests(slates)
        starts, sizes = self._data.offsets[slates], np.diff(self._data.offsets)[slates]
        grid = np.minimum(starts[:, None] + np.arange(sizes.max()), len(self._data.candidates) - 1)
        rows_BN = torch.from_numpy(self._data.candidates[grid].astype(np.int64))
        logits_BN = self.network.scores(interests_BKP, self._vectors[rows_BN]).double().cpu().numpy()
        return [row[:size] for row, size in zip(logits_BN, sizes, strict=True)]

    def _interests(self, slates: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        reads_BH = torch.from_numpy(self._data.reads[slates].astype(np.int64)).to(self.device)
        mask_BH = reads_BH >= 0
        longest = int(mask_BH.sum(dim=1).max())
        reads_BHD = self._vectors[reads_BH[:, :longest].clamp(min=0)]
        seconds_BH = torch.from_numpy(self._data.seconds[slates][:, :longest]).to(self.device)
        age_BH = torch.from_numpy(self._data.age[slates][:, :longest]).to(self.device)
        return self.network.interests(reads_BHD, seconds_BH, age_BH, mask_BH[:, :longest])
