"""Statistics of attention: per head of every layer, and per token.

Shapes: B texts, L layers, H heads, T tokens, S statistics of a head (`HEAD`), F of a token (`TOKEN`).

They are computed from the logits of one layer at a time, for the observed texts only, so that just one T × T
matrix is in memory. The entropy of a row is ``LSE − Σ_j A_ij · s_ij``, which needs no second logarithm.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.errors import EncoderError

HEAD = ("entropy", "max", "first", "last", "distance")
"""Statistics of a head in [0, 1], means over the queries of a text: entropy over its maximum, largest weight, mass
on the first token ([CLS] in BERT) and on the last ([SEP]), and attention distance |i − j| over the length.
"""

TOKEN = ("received", "self", "entropy")
"""Statistics of a token: the mass it receives (1 is an even share), its weight on itself, and its entropy."""


COHERENCE = ("rest", "context", "known")
"""How well the vector of a token fits: its cosine with the mean of the text's other tokens, its cosine with the
vector of the context (the other fields of an article), and 1 if there is a context, else 0.
"""


@dataclass(frozen=True, slots=True)
class Observation:
    """Attention statistics of B texts.

    Heads: [B, L, H, S]; tokens: [B, T, L, H, F], 0 at padding; lengths: [B]; coherence: [B, T, C], 0 at padding.
    """

    heads: NDArray[np.float32]
    tokens: NDArray[np.float32]
    lengths: NDArray[np.int64]
    coherence: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def real(self) -> NDArray[np.bool_]:
        """Return the mask [B, T] of tokens that are not padding."""
        return np.arange(self.tokens.shape[1]) < self.lengths[:, None]

    @property
    def received(self) -> NDArray[np.float32]:
        """Return the mass each token receives [B, T], mean over layers and heads; 1 is an even share."""
        return np.asarray(self.tokens[..., 0].mean(axis=(2, 3)))


class Observer:
    """Collector of attention statistics for the texts of one batch, or only for its first `rows` to save time.

    Args:
        mask_BT: True at real tokens; padding comes after them.
        rows: number of texts to observe; None observes all.

    Raises:
        EncoderError: padding precedes a token, or a text has no token, so positions would be wrong.
    """

    def __init__(self, mask_BT: torch.Tensor, rows: int | None = None) -> None:
        self._mask_BT = mask_BT[:rows].bool()
        if not self._mask_BT[:, 0].all() or (self._mask_BT[:, 1:] & ~self._mask_BT[:, :-1]).any():
            raise EncoderError("attention can only be observed of texts padded on the right: set padding_side")
        self._lengths_B = self._mask_BT.sum(dim=1)
        self._heads: list[torch.Tensor] = []
        self._tokens: list[torch.Tensor] = []

    def see(
        self,
        layer: int,  # noqa: ARG002 - layers come in order
        query_BHTd: torch.Tensor,
        key_BHTd: torch.Tensor,
        allowed: torch.Tensor | None,
        scaling: float,
    ) -> None:
        """Implement `hook.Watcher.see`."""
        rows = len(self._mask_BT)
        logits_BHTT = (query_BHTd[:rows] @ key_BHTd[:rows].mT).float() * scaling
        if allowed is not None:
            logits_BHTT = logits_BHTT.masked_fill(~allowed[:rows], -torch.inf)
        attention_BHTT = logits_BHTT.softmax(dim=-1)
        entropy_BHT = _entropy(logits_BHTT, attention_BHTT, self._lengths_B)
        self._heads.append(self._head_statistics(attention_BHTT, entropy_BHT))
        self._tokens.append(self._token_statistics(attention_BHTT, entropy_BHT))

    def observation(
        self, hidden_BTD: torch.Tensor | None = None, context_BD: torch.Tensor | None = None
    ) -> Observation:
        """Return the statistics of all layers so far, in order.

        hidden_BTD: output of the model; None leaves the coherence at 0. context_BD: unit vectors of the contexts,
        zero for texts without one; None if no text has one.
        """
        return Observation(
            heads=torch.stack(self._heads, dim=1).cpu().numpy(),
            tokens=torch.stack(self._tokens, dim=2).cpu().numpy(),
            lengths=self._lengths_B.cpu().numpy(),
            coherence=self._coherence(hidden_BTD, context_BD).cpu().numpy(),
        )

    def _coherence(self, hidden_BTD: torch.Tensor | None, context_BD: torch.Tensor | None) -> torch.Tensor:
        if hidden_BTD is None:
            return torch.zeros(*self._mask_BT.shape, len(COHERENCE))
        return coherence(hidden_BTD[: len(self._mask_BT)].float(), self._mask_BT, context_BD)

    def _head_statistics(self, attention_BHTT: torch.Tensor, entropy_BHT: torch.Tensor) -> torch.Tensor:
        """Return statistics of heads (B, H, S)."""
        position_T = torch.arange(attention_BHTT.shape[-1], device=attention_BHTT.device)
        last_B11 = (self._lengths_B - 1)[:, None, None, None].expand(-1, *attention_BHTT.shape[1:3], 1)
        distance_TT = (position_T[:, None] - position_T[None, :]).abs().float()
        distance_BHT = (attention_BHTT * distance_TT).sum(dim=-1) / self._lengths_B[:, None, None]
        rows_BHTS = torch.stack(
            [
                entropy_BHT,
                attention_BHTT.amax(dim=-1),
                attention_BHTT[..., 0],
                attention_BHTT.gather(-1, last_B11).squeeze(-1),
                distance_BHT,
            ],
            dim=-1,
        )
        real_B1T1 = self._mask_BT[:, None, :, None]
        return rows_BHTS.masked_fill(~real_B1T1, 0.0).sum(dim=2) / self._lengths_B[:, None, None]

    def _token_statistics(self, attention_BHTT: torch.Tensor, entropy_BHT: torch.Tensor) -> torch.Tensor:
        """Return statistics of tokens (B, T, H, F)."""
        queries_B11T = self._mask_BT[:, None, None, :].float()
        received_BHT = (queries_B11T @ attention_BHTT).squeeze(2)
        self_BHT = attention_BHTT.diagonal(dim1=-2, dim2=-1)
        tokens_BTHF = torch.stack([received_BHT, self_BHT, entropy_BHT], dim=-1).transpose(1, 2)
        return tokens_BTHF.masked_fill(~self._mask_BT[:, :, None, None], 0.0)


def coherence(hidden_BTD: torch.Tensor, mask_BT: torch.Tensor, context_BD: torch.Tensor | None) -> torch.Tensor:
    """Return the statistics `COHERENCE` of each token (B, T, C)."""
    real_BT1 = mask_BT.unsqueeze(-1).to(hidden_BTD.dtype)
    unit_BTD = torch.nn.functional.normalize(hidden_BTD, dim=-1) * real_BT1
    rest_BTD = torch.nn.functional.normalize(unit_BTD.sum(dim=1, keepdim=True) - unit_BTD, dim=-1)
    rest_BT = (unit_BTD * rest_BTD).sum(dim=-1)
    if context_BD is None:
        empty_BT = torch.zeros_like(rest_BT)
        return torch.stack([rest_BT, empty_BT, empty_BT], dim=-1)
    fits_BT = (unit_BTD @ context_BD.unsqueeze(-1).to(unit_BTD.dtype)).squeeze(-1)
    known_BT = real_BT1.squeeze(-1) * context_BD.any(dim=-1, keepdim=True)
    return torch.stack([rest_BT, fits_BT, known_BT], dim=-1)


def _entropy(logits_BHTT: torch.Tensor, attention_BHTT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """Return the entropy of each row over that of a uniform one, in [0, 1]: (B, H, T)."""
    weighted_BHT = (attention_BHTT * logits_BHTT.masked_fill(attention_BHTT == 0, 0.0)).sum(dim=-1)
    max_B11 = lengths_B.clamp(min=2).float().log()[:, None, None]
    return ((logits_BHTT.logsumexp(dim=-1) - weighted_BHT) / max_B11).clamp(0.0, 1.0)
