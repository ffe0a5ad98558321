"""Watching attention: what every head of every layer does with a batch, and what every token receives.

Shapes: B texts, L layers, H heads, T tokens, S statistics of a head (`HEAD`), F of a token (`TOKEN`).

Everything follows from the logits by a few products over one layer's T × T matrix, made for the watched texts
alone and dropped at once. The entropy of a row is ``LSE − Σ_j A_ij · s_ij``, which needs no second logarithm.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.errors import EncoderError

HEAD = ("entropy", "max", "first", "last", "distance")
"""Mean over the queries of a text, each in [0, 1]: entropy over its largest, the largest weight, the mass on the
first token ([CLS] in BERT) and on the last ([SEP]), and how far attention looks, |i − j| over the length."""

TOKEN = ("received", "self", "entropy")
"""Of each token: the mass it receives (1 is an even share), what it keeps, and how spread it looks."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of some texts. heads: [B, L, H, S]; tokens: [B, T, L, H, F], 0 at padding; lengths: [B]."""

    heads: NDArray[np.float32]
    tokens: NDArray[np.float32]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def real(self) -> NDArray[np.bool_]:
        """Which tokens [B, T] are no padding."""
        return np.arange(self.tokens.shape[1]) < self.lengths[:, None]

    @property
    def received(self) -> NDArray[np.float32]:
        """Mass each token receives [B, T], mean over layers and heads; 1 is an even share."""
        return np.asarray(self.tokens[..., 0].mean(axis=(2, 3)))


class Observer:
    """Watches the texts of one batch, or only its first `rows`: a sample costs less.

    Args:
        mask_BT: True at real tokens; padding stands behind them.
        rows: how many texts to watch; None watches all.

    Raises:
        EncoderError: padding stands before a token, or a text has no token: places would mean something else.
    """

    def __init__(self, mask_BT: torch.Tensor, rows: int | None = None) -> None:
        self._mask_BT = mask_BT[:rows].bool()
        if not self._mask_BT[:, 0].all() or (self._mask_BT[:, 1:] & ~self._mask_BT[:, :-1]).any():
            raise EncoderError("attention is watched of texts that are padded on the right: set padding_side")
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
        """See `hook.Watcher.see`."""
        rows = len(self._mask_BT)
        logits_BHTT = (query_BHTd[:rows] @ key_BHTd[:rows].mT).float() * scaling
        if allowed is not None:
            logits_BHTT = logits_BHTT.masked_fill(~allowed[:rows], -torch.inf)
        attention_BHTT = logits_BHTT.softmax(dim=-1)
        entropy_BHT = _entropy(logits_BHTT, attention_BHTT, self._lengths_B)
        self._heads.append(self._of_heads(attention_BHTT, entropy_BHT))
        self._tokens.append(self._of_tokens(attention_BHTT, entropy_BHT))

    def observation(self) -> Observation:
        """Everything seen so far, layers in order."""
        return Observation(
            heads=torch.stack(self._heads, dim=1).cpu().numpy(),
            tokens=torch.stack(self._tokens, dim=2).cpu().numpy(),
            lengths=self._lengths_B.cpu().numpy(),
        )

    def _of_heads(self, attention_BHTT: torch.Tensor, entropy_BHT: torch.Tensor) -> torch.Tensor:
        """(B, H, S)."""
        place_T = torch.arange(attention_BHTT.shape[-1], device=attention_BHTT.device)
        last_B11 = (self._lengths_B - 1)[:, None, None, None].expand(-1, *attention_BHTT.shape[1:3], 1)
        distance_TT = (place_T[:, None] - place_T[None, :]).abs().float()
        looks_BHT = (attention_BHTT * distance_TT).sum(dim=-1) / self._lengths_B[:, None, None]
        rows_BHTS = torch.stack(
            [
                entropy_BHT,
                attention_BHTT.amax(dim=-1),
                attention_BHTT[..., 0],
                attention_BHTT.gather(-1, last_B11).squeeze(-1),
                looks_BHT,
            ],
            dim=-1,
        )
        real_B1T1 = self._mask_BT[:, None, :, None]
        return rows_BHTS.masked_fill(~real_B1T1, 0.0).sum(dim=2) / self._lengths_B[:, None, None]

    def _of_tokens(self, attention_BHTT: torch.Tensor, entropy_BHT: torch.Tensor) -> torch.Tensor:
        """(B, T, H, F)."""
        queries_B11T = self._mask_BT[:, None, None, :].float()
        received_BHT = (queries_B11T @ attention_BHTT).squeeze(2)
        kept_BHT = attention_BHTT.diagonal(dim1=-2, dim2=-1)
        tokens_BTHF = torch.stack([received_BHT, kept_BHT, entropy_BHT], dim=-1).transpose(1, 2)
        return tokens_BTHF.masked_fill(~self._mask_BT[:, :, None, None], 0.0)


def _entropy(logits_BHTT: torch.Tensor, attention_BHTT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """Entropy of each row over that of an even one, in [0, 1]: (B, H, T)."""
    weighted_BHT = (attention_BHTT * logits_BHTT.masked_fill(attention_BHTT == 0, 0.0)).sum(dim=-1)
    most_B11 = lengths_B.clamp(min=2).float().log()[:, None, None]
    return ((logits_BHTT.logsumexp(dim=-1) - weighted_BHT) / most_B11).clamp(0.0, 1.0)
