"""Trained part of the encoder: its top layers and the pooling, on cached activations."""

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.adaptation.base_model import BaseModel
from recsys.adaptation.trunk_cache import TrunkCache
from recsys.encoder.bert import pool
from recsys.encoder.token_batches import batches


class TopLayers(torch.nn.Module):
    """Top layers of a base model, which they share with it: activations (B, T, D) → unit vectors (B, D)."""

    def __init__(self, base: BaseModel, layers: int) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(base.network.encoder.layer[-layers:])
        self.pooling = base.profile.pooling

    def forward(self, hidden_BTD: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
        """Return the pooled unit vectors."""
        allowed = None if bool(mask_BT.all()) else mask_BT[:, None, None, :]
        for layer in self.layers:
            hidden_BTD = layer(hidden_BTD, allowed)
        return pool(hidden_BTD.float(), mask_BT, self.pooling)

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the parameters by name."""
        return dict(self.named_parameters())

    def encode(self, cache: TrunkCache, rows: NDArray[np.int64]) -> torch.Tensor:
        """Return unit vectors (n, D) of the texts `rows` [n], in batches of similar length."""
        device = next(self.parameters()).device
        parts = list(batches([range(length) for length in cache.lengths(rows)]))
        vectors = torch.cat([self._batch(cache, rows[part], device) for part in parts])
        back = torch.from_numpy(np.argsort(np.concatenate(parts))).to(device)
        return vectors.index_select(0, back)

    def _batch(self, cache: TrunkCache, rows: NDArray[np.int64], device: torch.device) -> torch.Tensor:
        hidden_BTD, mask_BT = cache.padded(rows, device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
            out: torch.Tensor = self(hidden_BTD, mask_BT)
        return out

    def frozen_vectors(self, cache: TrunkCache, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return unit vectors [n, d] of the texts `rows` [n], without dropout and gradients."""
        self.eval()
        with torch.no_grad():
            out: NDArray[np.float32] = self.encode(cache, rows).cpu().numpy()
        return out
