"""Cache of the frozen lower layers: the activations of every text, computed once.

`trunk.npy` holds the float16 activations of all tokens of all texts, one text after the other, and is mapped into
memory. `trunk.json` counts the batches that are done, so that a killed job goes on where it stopped.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.adaptation.base_model import BaseModel
from recsys.encoder.device import inference_precision
from recsys.encoder.token_batches import batches
from recsys.settings import Precision
from recsys.training.training_run import Progress

_BATCHES_PER_SAVE = 16


@dataclass(frozen=True, slots=True)
class TrunkCache:
    """Activations of t texts. tokens: [all tokens, d] float16; offsets: of the texts in it [t + 1]."""

    tokens: NDArray[np.float16]
    offsets: NDArray[np.int64]

    def lengths(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of tokens of the texts `rows` [n]."""
        return np.asarray(self.offsets[rows + 1] - self.offsets[rows])

    def padded(self, rows: NDArray[np.int64], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return activations of the texts `rows` [b] as float32 (b, T, d), and the mask of real tokens (b, T)."""
        lengths = self.lengths(rows)
        columns = np.arange(lengths.max())
        mask_BT = columns < lengths[:, None]
        places_BT = np.where(mask_BT, self.offsets[rows][:, None] + columns, self.offsets[rows][:, None])
        hidden_BTD = torch.from_numpy(self.tokens[places_BT]).to(device).float()
        return hidden_BTD, torch.from_numpy(mask_BT).to(device)


def cached_trunk(
    base: BaseModel, texts: Sequence[str], layers: int, folder: Path, digest: str, progress: Progress
) -> TrunkCache:
    """Return the cache of `texts` below the `layers` top layers, in `folder`; compute what is missing.

    digest: names the base and the texts; a cache of another digest is replaced.
    """
    tokens = base.tokenize(list(texts))
    lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    file, state = folder / "trunk.npy", folder / "trunk.json"
    done = _done(state, digest) if file.is_file() else 0
    shape = (int(offsets[-1]), base.encoder.dim)
    found = np.lib.format.open_memmap(file, "r+" if done else "w+", dtype=np.float16, shape=shape)
    plan = list(batches(tokens))
    network, stack = base.network, base.network.encoder.layer
    network.encoder.layer = stack[: len(stack) - layers]
    try:
        for number, rows in enumerate(plan[done:], start=done + 1):
            flat = np.concatenate([np.arange(offsets[row], offsets[row + 1]) for row in rows])
            found[flat] = _activations(base, [tokens[row] for row in rows])
            if number % _BATCHES_PER_SAVE == 0 or number == len(plan):
                found.flush()
                _save(state, digest, number)
                progress("lower layers of texts", number, len(plan))
    finally:
        network.encoder.layer = stack
    return TrunkCache(np.load(file, mmap_mode="r"), offsets)


def _activations(base: BaseModel, tokens: Sequence[list[int]]) -> NDArray[np.float16]:
    """Return the activations of one batch without padding, text after text: [tokens, d]."""
    device = base.encoder.device
    length = max(map(len, tokens))
    pad = base.network.config.pad_token_id or 0
    ids_BT = torch.tensor([line + [pad] * (length - len(line)) for line in tokens], device=device)
    mask_BT = torch.tensor([[1] * len(line) + [0] * (length - len(line)) for line in tokens], device=device)
    precision: Precision = "bfloat16" if device.type == "cuda" else "float32"
    with torch.inference_mode(), inference_precision(device, precision):
        hidden_BTD = base.network(input_ids=ids_BT, attention_mask=mask_BT).last_hidden_state
    flat: NDArray[np.float16] = hidden_BTD[mask_BT.bool()].half().cpu().numpy()
    return flat


def _done(state: Path, digest: str) -> int:
    try:
        found: dict[str, Any] = json.loads(state.read_text())
    except (OSError, ValueError):
        return 0
    return int(found["done"]) if found.get("digest") == digest else 0


def _save(state: Path, digest: str, done: int) -> None:
    partial = state.with_suffix(".partial")
    partial.write_text(json.dumps({"digest": digest, "done": done}))
    partial.replace(state)
