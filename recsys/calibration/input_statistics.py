"""Attention statistics of each input of any transformers model: a token, an image patch, an audio frame, a step.

Shapes: B examples, T keys (the inputs and special tokens), Q queries, H heads, d head width, S statistics.

A query that may attend n keys gives each an even share of 1/n. Mass is counted in even shares, so it means the
same in encoders, in decoders whose queries see only the past, and in cross attention.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.calibration.attention_sites import Site
from recsys.errors import EncoderError

KEY = ("received", "norm", "fit", "near")
"""Statistics of a key: log(1 + mass received per query that may attend it), log of its length, its cosine with the
mean of the other keys, and its mean cosine with the keys beside it.
"""

ROW = ("self", "entropy")
"""Statistics of its own query, in self-attention: log(1 + weight on itself), and entropy over its maximum."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Keys of B examples.

    present: False at padding (B, T); inner: keys that may be flagged, neither padding nor special tokens (B, T);
    queries: False at padding of the decoder, (B, Q), or None without padding. Cross attention needs it.
    """

    present: torch.Tensor
    inner: torch.Tensor
    queries: torch.Tensor | None = None

    def __getitem__(self, rows: torch.Tensor) -> "Inputs":
        """Return some examples."""
        queries = None if self.queries is None else self.queries[rows]
        return Inputs(self.present[rows], self.inner[rows], queries)


class InputObserver:
    """Collector of the statistics of every input, from all layers that attend the inputs, and of their keys.

    A layer that runs again in the same pass, as in generation, counts only with its first step.

    Args:
        inputs: the keys of the batch.
        site: function from the number of a layer to its kind.
    """

    def __init__(self, inputs: Inputs, site: Callable[[int], Site]) -> None:
        self._inputs, self._site = inputs, site
        self._layers: dict[int, torch.Tensor] = {}
        self._keys: dict[int, torch.Tensor] = {}  # of the first and the last layer

    def see(
        self,
        layer: int,
        query_BHTd: torch.Tensor,
        key_BHTd: torch.Tensor,
        allowed: torch.Tensor | None,
        scaling: float,
    ) -> None:
        """Implement `hook.Watcher.see`.

        Raises:
            EncoderError: the keys of the layer are not the inputs, or the batch has another size.
        """
        site = self._site(layer)
        if site is Site.DECODER or layer in self._layers:
            return
        expected, found = tuple(self._inputs.present.shape), (key_BHTd.shape[0], key_BHTd.shape[2])
        if expected != found:
            raise EncoderError(
                f"a layer attends {found[1]} keys of {found[0]} examples, but the inputs have shape {expected}: "
                "give `present` and `inner` one value for each key, special tokens included"
            )
        self._layers[layer] = _statistics(query_BHTd, key_BHTd, allowed, scaling, self._inputs, site)
        self._keys[layer] = key_BHTd.float().transpose(1, 2).flatten(start_dim=2)
        for number in sorted(self._keys)[1:-1]:
            del self._keys[number]

    def content(self) -> NDArray[np.float32]:
        """Return the keys of the first and of the last layer, head by head [B, T, C], 0 at padding.

        Raises:
            EncoderError: no layer attended the inputs.
        """
        return self._joined(self._keys)

    def statistics(self) -> NDArray[np.float32]:
        """Return the statistics of all layers in order [B, T, layers · H · S], 0 at padding.

        S is 6 for self-attention (`KEY` and `ROW`) and 4 for cross attention (`KEY`).

        Raises:
            EncoderError: no layer attended the inputs.
        """
        return self._joined(self._layers)

    def _joined(self, layers: dict[int, torch.Tensor]) -> NDArray[np.float32]:
        if not layers:
            raise EncoderError(
                "no attention of this model goes through the hook: load it with a class of transformers that "
                "supports attn_implementation"
            )
        joined = torch.cat([layers[layer] for layer in sorted(layers)], dim=-1)
        return joined.masked_fill(~self._inputs.present.unsqueeze(-1), 0.0).cpu().numpy()


def _statistics(
    query_BHQd: torch.Tensor,
    key_BHTd: torch.Tensor,
    allowed: torch.Tensor | None,
    scaling: float,
    inputs: Inputs,
    site: Site,
) -> torch.Tensor:
    """Return the statistics of one layer (B, T, H · S)."""
    query_BHQd, key_BHTd = query_BHQd.float(), key_BHTd.float()
    logits_BHQT = (query_BHQd @ key_BHTd.mT) * scaling
    may_BQT = inputs.present[:, None, :].expand(-1, query_BHQd.shape[2], -1)
    if allowed is not None:
        may_BQT = may_BQT & allowed[:, 0]
    logits_BHQT = logits_BHQT.masked_fill(~may_BQT[:, None], -torch.inf)
    attention_BHQT = logits_BHQT.softmax(dim=-1).nan_to_num(0.0)  # a query at padding may attend nothing
    keys_BQ = may_BQT.sum(dim=-1).clamp(min=1)
    shares_BHQT = attention_BHQT * keys_BQ[:, None, :, None]
    parts_BHT = [
        _received(shares_BHQT, may_BQT, _queries(inputs, site, may_BQT)),
        *_keys(key_BHTd, inputs.present),
    ]
    if site is Site.SELF:
        entropy_BHQ = torch.special.entr(attention_BHQT).sum(dim=-1) / keys_BQ.clamp(min=2).float().log()[:, None]
        parts_BHT += [shares_BHQT.diagonal(dim1=-2, dim2=-1).log1p(), entropy_BHQ]
    return torch.stack(parts_BHT, dim=-1).transpose(1, 2).flatten(start_dim=2)


def _queries(inputs: Inputs, site: Site, may_BQT: torch.Tensor) -> torch.Tensor:
    """Return the mask of queries that are not padding (B, Q)."""
    if site is Site.SELF:
        return inputs.present
    if inputs.queries is None or inputs.queries.shape != may_BQT.shape[:2]:
        return torch.ones(may_BQT.shape[:2], dtype=torch.bool, device=may_BQT.device)
    return inputs.queries


def _received(shares_BHQT: torch.Tensor, may_BQT: torch.Tensor, queries_BQ: torch.Tensor) -> torch.Tensor:
    counted_BQT = may_BQT & queries_BQ.unsqueeze(-1)
    total_BHT = (shares_BHQT * counted_BQT[:, None]).sum(dim=2)
    return (total_BHT / counted_BQT.sum(dim=1).clamp(min=1)[:, None]).log1p()


def _keys(key_BHTd: torch.Tensor, present_BT: torch.Tensor) -> list[torch.Tensor]:
    """Return `norm`, `fit` and `near` of each key, (B, H, T) each."""
    real_B1T1 = present_BT[:, None, :, None].to(key_BHTd.dtype)
    norm_BHT = key_BHTd.norm(dim=-1).clamp(min=1e-6).log()
    unit_BHTd = torch.nn.functional.normalize(key_BHTd, dim=-1) * real_B1T1
    rest_BHTd = torch.nn.functional.normalize(unit_BHTd.sum(dim=2, keepdim=True) - unit_BHTd, dim=-1)
    beside_BHT = (unit_BHTd[:, :, 1:] * unit_BHTd[:, :, :-1]).sum(dim=-1)
    near_BHT = torch.nn.functional.pad(beside_BHT, (1, 0)) + torch.nn.functional.pad(beside_BHT, (0, 1))
    return [norm_BHT, (unit_BHTd * rest_BHTd).sum(dim=-1), near_BHT / 2]
