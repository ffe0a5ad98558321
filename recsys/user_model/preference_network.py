"""The preference network: a weight per item of history, interest vectors, a score per candidate.

Shapes: B batch, H history, N candidates, D article vector, P projected, K interests.

Decisions:
- Article vectors are frozen; one orthogonal projection D→P serves reads and candidates, so that training starts
  near a content match instead of nowhere.
- Reads pass one self-attention layer with what is known of them (dwell, age), then additive attention
  (Bahdanau et al. 2015; NRMS, Wu et al. 2019) with K heads: α (B, K, H) and K interest vectors.
- A candidate's score is the log-mean-exp over interests of scaled cosines: one interest that fits is enough.
- Calibration of α: logits / τ + η·noise·log max(q, ε), and a share of the history that is kept by α × q, with q
  the dwell quantile. τ = 1, η = 0 and a share of 1 are the network as it was trained.
- A head tells from a read and its context whether it was important. It is trained on reads whose dwell is
  withheld, so that it cannot read the answer off its input. It changes no score.

This is the network that is trained, many slates at once. `forward.Forward` runs what was learned for requests.
"""

import copy
import math
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import nn

from recsys.user_model.dwell_quantiles import LEAST_QUANTILE
from recsys.user_model.network_weights import PreferenceConfig, PreferenceWeights


@dataclass(frozen=True, slots=True)
class HistoryBatch:
    """B histories of up to H reads; every one has at least one.

    vectors: (B, H, D); seconds: dwell, NaN where unknown (B, H); age: hours (B, H); quantile: of the dwell, NaN
    where unknown and in the padding (B, H); noise: share of the reader's clicks that lead to nothing (B); mask:
    True at real reads (B, H).
    """

    vectors: torch.Tensor
    seconds: torch.Tensor
    age: torch.Tensor
    quantile: torch.Tensor
    noise: torch.Tensor
    mask: torch.Tensor

    def without_dwell(self, masked_BH: torch.Tensor) -> "HistoryBatch":
        """The same histories with the dwell of some reads unknown."""
        nan = float("nan")
        return replace(
            self,
            seconds=self.seconds.masked_fill(masked_BH, nan),
            quantile=self.quantile.masked_fill(masked_BH, nan),
        )

    def known_quantile(self) -> torch.Tensor:
        """Quantiles (B, H); an unknown one is the reader's (lower) middle, or 1 if none is known."""
        neutral_B1 = self.quantile.nanmedian(dim=1, keepdim=True).values.nan_to_num(1.0)
        return torch.where(self.quantile.isnan(), neutral_B1, self.quantile)


@dataclass(frozen=True, slots=True)
class EncodedHistory:
    """Reads after self-attention. values: projected vectors (B, H, P); hidden: with their context (B, H, P)."""

    values: torch.Tensor
    hidden: torch.Tensor


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
        width = config.projected
        self.important = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    @classmethod
    def of(cls, weights: PreferenceWeights) -> Self:
        """The network that `weights` are of, ready to be asked."""
        network = cls(weights.config)
        network.load_state_dict({name: torch.tensor(array) for name, array in weights.arrays.items()})
        return network.eval()

    def weights(self) -> PreferenceWeights:
        """A copy of what was learned so far."""
        arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.state_dict().items()}
        return PreferenceWeights(self.config, arrays)

    def interests(self, history: HistoryBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """Unit interest vectors (B, K, P) and α (B, K, H)."""
        seen = self.read(history)
        alpha_BKH = self.alpha(seen, history)
        return self.pooled(seen, alpha_BKH), alpha_BKH

    def calibrated(self, config: PreferenceConfig) -> Self:
        """The same weights under another calibration; they are shared, not copied."""
        other = copy.copy(self)
        other.config = config
        return other

    def read(self, history: HistoryBatch) -> EncodedHistory:
        """Reads with what is known of them, in the light of each other."""
        values_BHP = self.project(history.vectors)
        known_BHP = values_BHP + self.circumstance(_circumstance(history.seconds, history.age))
        padding_BH = ~history.mask
        mixed_BHP, _ = self.attend(
            known_BHP, known_BHP, known_BHP, key_padding_mask=padding_BH, need_weights=False
        )
        return EncodedHistory(values_BHP, self.norm(known_BHP + mixed_BHP))

    def alpha(self, seen: EncodedHistory, history: HistoryBatch) -> torch.Tensor:
        """Calibrated attention (B, K, H): sums to 1 over real reads."""
        quantile_BH = history.known_quantile()
        prior_BH = history.noise[:, None] * quantile_BH.clamp(min=LEAST_QUANTILE).log()
        logits_BHK = self.query(torch.tanh(self.additive(seen.hidden))) / self.config.temperature
        logits_BHK = logits_BHK + self.config.dwell_weight * prior_BH[..., None]
        alpha_BHK = logits_BHK.masked_fill(~history.mask[..., None], float("-inf")).softmax(dim=1)
        alpha_BKH = alpha_BHK.transpose(1, 2)
        return alpha_BKH if self.config.keep >= 1.0 else self._kept(alpha_BKH, quantile_BH, history)

    def pooled(self, seen: EncodedHistory, alpha_BKH: torch.Tensor) -> torch.Tensor:
        """Unit interest vectors (B, K, P): reads as each interest weighs them."""
        pooled_BHP = seen.values + self.residual * seen.hidden
        interests_BKP = torch.einsum("bkh,bhp->bkp", alpha_BKH, pooled_BHP)
        return nn.functional.normalize(interests_BKP, dim=-1)

    def importance(self, seen: EncodedHistory) -> torch.Tensor:
        """Log-odds (B, H) that each read was important."""
        odds_BH1: torch.Tensor = self.important(seen.hidden)
        return odds_BH1[..., 0]

    def scores(self, interests_BKP: torch.Tensor, candidates_BND: torch.Tensor) -> torch.Tensor:
        """Logits (B, N)."""
        projected_BNP = nn.functional.normalize(self.project(candidates_BND), dim=-1)
        cosines_BKN = torch.einsum("bkp,bnp->bkn", interests_BKP, projected_BNP)
        logits_BKN = cosines_BKN * self.log_scale.exp()
        return torch.logsumexp(logits_BKN, dim=1) - math.log(self.config.interests)

    def _kept(self, alpha_BKH: torch.Tensor, quantile_BH: torch.Tensor, history: HistoryBatch) -> torch.Tensor:
        """α of the share of reads with the largest α × q, all others zero. At least one read is kept.

        A history without any known dwell is kept whole: to filter by α alone hurts (docs/log.md).
        """
        weight_BH = (alpha_BKH.mean(dim=1) * quantile_BH).masked_fill(~history.mask, -1.0)
        kept_B1 = (self.config.keep * history.mask.sum(dim=1, keepdim=True)).ceil().long().clamp(min=1)
        least_B1 = weight_BH.sort(dim=1, descending=True).values.gather(1, kept_B1 - 1)
        untimed_B1 = history.quantile.isnan().all(dim=1, keepdim=True)
        alpha_BKH = alpha_BKH * ((weight_BH >= least_B1) | untimed_B1)[:, None]
        return alpha_BKH / alpha_BKH.sum(dim=2, keepdim=True)


def _circumstance(seconds_BH: torch.Tensor, age_BH: torch.Tensor) -> torch.Tensor:
    """(B, H, 3): dwell on a log scale (0 where unknown), whether it is known, age on a log scale."""
    known_BH = ~torch.isnan(seconds_BH)
    dwell_BH = torch.log1p(torch.nan_to_num(seconds_BH)) / 5.0
    return torch.stack([dwell_BH, known_BH.to(dwell_BH.dtype), torch.log1p(age_BH) / 5.0], dim=-1)
