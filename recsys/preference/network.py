"""The preference network: a weight per item of history, interest vectors, a score per candidate.

Shapes: B batch, H history, N candidates, D article vector, P projected, K interests.

Decisions:
- Article vectors are frozen; one orthogonal projection D→P serves reads and candidates, so that training starts
  near a content match instead of nowhere.
- Reads pass one self-attention layer with what is known of them (dwell, age), then additive attention
  (Bahdanau et al. 2015; NRMS, Wu et al. 2019) with K heads: α (B, K, H) and K interest vectors.
- A candidate's score is the log-mean-exp over interests of scaled cosines: one interest that fits is enough.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True, slots=True)
class PreferenceConfig:
    """Size of the network."""

    dim: int = 384
    projected: int = 96
    heads: int = 4
    interests: int = 4
    history: int = 50
    dropout: float = 0.1
    initial_scale: float = 8.0

    def as_dict(self) -> dict[str, Any]:
        """For the bundle's manifest."""
        return asdict(self)


class PreferenceNetwork(nn.Module):
    """History → α and interests; candidates → scores."""

    def __init__(self, config: PreferenceConfig) -> None:
        super().__init__()
        self.config = config
        self.project = nn.Linear(config.dim, config.projected, bias=False)
        nn.init.orthogonal_(self.project.weight)
        self.circumstance = nn.Linear(3, config.projected)
        self.attend = nn.MultiheadAttention(
            config.projected, config.heads, dropout=config.dropout, batch_first=True
        )
        self.norm = nn.LayerNorm(config.projected)
        self.additive = nn.Linear(config.projected, config.projected)
        self.query = nn.Linear(config.projected, config.interests, bias=False)
        self.residual = nn.Parameter(torch.tensor(0.1))
        self.log_scale = nn.Parameter(torch.tensor(math.log(config.initial_scale)))

    def interests(
        self, reads_BHD: torch.Tensor, seconds_BH: torch.Tensor, age_BH: torch.Tensor, mask_BH: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Unit interest vectors (B, K, P) and α (B, K, H).

        `seconds_BH` is NaN where dwell is unknown, `age_BH` is in hours, `mask_BH` is True at real reads; every
        row has at least one.
        """
        values_BHP = self.project(reads_BHD)
        known_BHP = values_BHP + self.circumstance(_circumstance(seconds_BH, age_BH))
        mixed_BHP, _ = self.attend(known_BHP, known_BHP, known_BHP, key_padding_mask=~mask_BH, need_weights=False)
        hidden_BHP = self.norm(known_BHP + mixed_BHP)
        logits_BHK = self.query(torch.tanh(self.additive(hidden_BHP)))
        alpha_BHK = logits_BHK.masked_fill(~mask_BH.unsqueeze(-1), float("-inf")).softmax(dim=1)
        pooled_BHP = values_BHP + self.residual * hidden_BHP
        interests_BKP = torch.einsum("bhk,bhp->bkp", alpha_BHK, pooled_BHP)
        return nn.functional.normalize(interests_BKP, dim=-1), alpha_BHK.transpose(1, 2)

    def scores(self, interests_BKP: torch.Tensor, candidates_BND: torch.Tensor) -> torch.Tensor:
        """Logits (B, N)."""
        projected_BNP = nn.functional.normalize(self.project(candidates_BND), dim=-1)
        cosines_BKN = torch.einsum("bkp,bnp->bkn", interests_BKP, projected_BNP)
        logits_BKN = cosines_BKN * self.log_scale.exp()
        return torch.logsumexp(logits_BKN, dim=1) - math.log(self.config.interests)


def _circumstance(seconds_BH: torch.Tensor, age_BH: torch.Tensor) -> torch.Tensor:
    """(B, H, 3): dwell on a log scale (0 where unknown), whether it is known, age on a log scale."""
    known_BH = ~torch.isnan(seconds_BH)
    dwell_BH = torch.log1p(torch.nan_to_num(seconds_BH)) / 5.0
    return torch.stack([dwell_BH, known_BH.to(dwell_BH.dtype), torch.log1p(age_BH) / 5.0], dim=-1)
