"""The preference network: attention over the history, interest vectors, a score per candidate.

Shapes: B batch, H history, N candidates, D article vector, P projected, K interests.

Decisions:
- Article vectors are frozen. One orthogonal projection D→P serves reads and candidates, so that training starts
  close to a content match; it starts with the main axes of the articles, where these are known.
- Reads, with dwell and age, pass one self-attention layer, then additive attention (Bahdanau et al. 2015; NRMS,
  Wu et al. 2019) with K heads: α (B, K, H) and K interest vectors.
- The first interest attends to the whole history. Each of the others attends to the reads around a centre, a read:
  reads are shared among the centres by a softmax of cosines. Without this, training made all interests the same
  (cosines 0.998). Centres are the reads that together are closest to all reads, chosen greedily (facility
  location; Nemhauser, Wolsey and Fisher 1978).
- A candidate's score is the log-mean-exp over interests of scaled cosines: one fitting interest suffices. The
  weight of the first is learned; the others share the remainder as the reads belong to their centres.
- Evidence of other matches (`matcher.EVIDENCE`) is added to the scores, with weights fitted on slates that the
  network was not trained on: on its own slates it needs no other match, and would give them no weight.
- Calibration of α: logits / τ + η·noise·log max(q, ε), then only a share of the history is kept, by α × q, with q
  the dwell quantile. τ = 1, η = 0 and a share of 1 leave the network as trained.
- A separate head predicts from a read and its context whether it was important. It is trained on reads with hidden
  dwell, so that its input does not contain the answer. It changes no score.

This network is trained on many slates at once. `numpy_inference.NumpyNetwork` runs the weights for requests.
"""

import copy
import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recsys.user_model.dwell_quantiles import LEAST_QUANTILE
from recsys.user_model.matcher import EVIDENCE
from recsys.user_model.network_weights import NEWEST_FIRST, PreferenceConfig, PreferenceWeights


@dataclass(frozen=True, slots=True)
class HistoryBatch:
    """B histories of up to H reads, each with at least one.

    vectors: of M articles (M, D); rows: article of each read, any at padding (B, H); seconds: dwell, NaN where
    unknown (B, H); age: hours (B, H); quantile: of the dwell, NaN where unknown and in the padding (B, H); noise:
    share of the reader's clicks that bounce (B); mask: True at real reads (B, H).
    """

    vectors: torch.Tensor
    rows: torch.Tensor
    seconds: torch.Tensor
    age: torch.Tensor
    quantile: torch.Tensor
    noise: torch.Tensor
    mask: torch.Tensor

    def without_dwell(self, masked_BH: torch.Tensor) -> "HistoryBatch":
        """Return the histories with the dwell of the masked reads set to unknown."""
        nan = float("nan")
        return replace(
            self,
            seconds=self.seconds.masked_fill(masked_BH, nan),
            quantile=self.quantile.masked_fill(masked_BH, nan),
        )

    def known_quantile(self) -> torch.Tensor:
        """Return quantiles (B, H); unknown ones are the reader's lower median, or 1 if none is known."""
        median_B1 = self.quantile.nanmedian(dim=1, keepdim=True).values.nan_to_num(1.0)
        return torch.where(self.quantile.isnan(), median_B1, self.quantile)


@dataclass(frozen=True, slots=True)
class EncodedHistory:
    """Reads after self-attention. values: projected vectors (B, H, P); hidden: with context (B, H, P)."""

    values: torch.Tensor
    hidden: torch.Tensor


@dataclass(frozen=True, slots=True)
class AttentionInput:
    """Input of the attention over B histories; nothing in it depends on the calibration.

    history: without vectors; logits: before calibration (B, H, K); values: averaged by the attention (B, H, P);
    log_shares: see `Interests`.
    """

    history: HistoryBatch
    logits: torch.Tensor
    values: torch.Tensor
    log_shares: torch.Tensor


@dataclass(frozen=True, slots=True)
class Interests:
    """Interests of B readers.

    vectors: unit vectors (B, K, P); log_shares: log of the weight of each (B, K).
    """

    vectors: torch.Tensor
    log_shares: torch.Tensor


class PreferenceNetwork(nn.Module):
    """Network from a history to α and interests, and from candidates to scores."""

    evidence: torch.Tensor

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
        self.whole = nn.Parameter(torch.tensor(0.0))
        self.log_route = nn.Parameter(torch.tensor(math.log(config.initial_scale)))
        self.register_buffer("evidence", torch.tensor([1.0] + [0.0] * len(EVIDENCE)))
        self.log_scale = nn.Parameter(torch.tensor(math.log(config.initial_scale)))
        width = config.projected
        self.important = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def project_on(self, axes_DA: NDArray[np.float32] | None) -> None:
        """Start with these directions as rows of the projection: more of a match is kept than on random ones."""
        if axes_DA is None:
            return
        count = min(axes_DA.shape[1], self.config.projected)
        with torch.no_grad():
            self.project.weight[:count] = torch.from_numpy(axes_DA.T[:count].copy())

    @classmethod
    def of(cls, weights: PreferenceWeights) -> Self:
        """Build the network with `weights`, in evaluation mode."""
        network = cls(weights.config)
        network.load_state_dict({name: torch.tensor(array) for name, array in weights.arrays.items()})
        return network.eval()

    def weights(self) -> PreferenceWeights:
        """Return a copy of the current weights."""
        arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.state_dict().items()}
        return PreferenceWeights(self.config, arrays)

    def interests(self, history: HistoryBatch) -> tuple[Interests, torch.Tensor]:
        """Return the interests and α (B, K, H)."""
        return self.calibrated_interests(self.attention_input(history))

    def attention_input(self, history: HistoryBatch) -> AttentionInput:
        """Encode the histories: all work that does not depend on the calibration."""
        seen = self.read(history)
        routes_BHK = self._routes(seen, history.mask)
        return AttentionInput(
            # new tensors: an empty slice would keep the vectors in memory
            history=replace(history, vectors=history.vectors.new_empty(0), rows=history.rows.new_empty(0)),
            logits=self._logits(seen, routes_BHK),
            values=self._averaged(seen),
            log_shares=self._log_shares(routes_BHK, history.mask),
        )

    def calibrated_interests(self, attention: AttentionInput) -> tuple[Interests, torch.Tensor]:
        """Return the interests and α (B, K, H) under the calibration of this network."""
        alpha_BKH = self._alpha(attention.logits, attention.history)
        return Interests(_pooled(attention.values, alpha_BKH), attention.log_shares), alpha_BKH

    def calibrated(self, config: PreferenceConfig) -> Self:
        """Return a network with the same weights, shared, and another calibration."""
        other = copy.copy(self)
        other.config = config
        return other

    def read(self, history: HistoryBatch) -> EncodedHistory:
        """Apply self-attention to the reads with their dwell and age."""
        values_BHP = self.values(history)
        known_BHP = values_BHP + self.circumstance(_read_features(history.seconds, history.age))
        return self.mix(values_BHP, known_BHP, history.mask)

    def values(self, history: HistoryBatch) -> torch.Tensor:
        """Return the projected vectors of the reads (B, H, P).

        Each article is projected once, however many of the reads are of it: few articles have most of the reads.
        """
        return nn.functional.embedding(history.rows, self.project(history.vectors))

    def mix(self, values_BHP: torch.Tensor, known_BHP: torch.Tensor, mask_BH: torch.Tensor) -> EncodedHistory:
        """Apply self-attention to `known_BHP`: projected vectors `values_BHP` with what else is known of each."""
        mixed_BHP, _ = self.attend(known_BHP, known_BHP, known_BHP, key_padding_mask=~mask_BH, need_weights=False)
        return EncodedHistory(values_BHP, self.norm(known_BHP + mixed_BHP))

    def alpha(self, seen: EncodedHistory, history: HistoryBatch, routes_BHK: torch.Tensor) -> torch.Tensor:
        """Return calibrated attention (B, K, H); it sums to 1 over real reads."""
        return self._alpha(self._logits(seen, routes_BHK), history)

    def _alpha(self, uncalibrated_BHK: torch.Tensor, history: HistoryBatch) -> torch.Tensor:
        logits_BHK = self._calibrated_logits(uncalibrated_BHK, history)
        alpha_BHK = logits_BHK.masked_fill(~history.mask[..., None], float("-inf")).softmax(dim=1)
        alpha_BKH = alpha_BHK.transpose(1, 2)
        if self.config.keep >= 1.0:
            return alpha_BKH
        return self._keep_largest(alpha_BKH, history.known_quantile(), history)

    def attention_logits(
        self, seen: EncodedHistory, history: HistoryBatch, routes_BHK: torch.Tensor
    ) -> torch.Tensor:
        """Return the calibrated logits (B, H, K) of attention, before the softmax over reads."""
        return self._calibrated_logits(self._logits(seen, routes_BHK), history)

    def _logits(self, seen: EncodedHistory, routes_BHK: torch.Tensor) -> torch.Tensor:
        logits_BHK: torch.Tensor = self.query(torch.tanh(self.additive(seen.hidden)))
        return logits_BHK + routes_BHK

    def _calibrated_logits(self, logits_BHK: torch.Tensor, history: HistoryBatch) -> torch.Tensor:
        quantile_BH = history.known_quantile()
        prior_BH = history.noise[:, None] * quantile_BH.clamp(min=LEAST_QUANTILE).log()
        return logits_BHK / self.config.temperature + self.config.dwell_weight * prior_BH[..., None]

    def pooled(self, seen: EncodedHistory, alpha_BKH: torch.Tensor) -> torch.Tensor:
        """Return unit interest vectors (B, K, P): means of the reads, weighted by attention."""
        return _pooled(self._averaged(seen), alpha_BKH)

    def _averaged(self, seen: EncodedHistory) -> torch.Tensor:
        return seen.values + self.residual * seen.hidden

    def importance(self, seen: EncodedHistory) -> torch.Tensor:
        """Return log-odds (B, H) that each read was important."""
        odds_BH1: torch.Tensor = self.important(seen.hidden)
        return odds_BH1[..., 0]

    def scores(self, interests: Interests, candidates_BND: torch.Tensor) -> torch.Tensor:
        """Return logits (B, N) of candidates, without evidence."""
        return self.logits(interests, self.directions(candidates_BND))

    def logits(self, interests: Interests, directions_BNP: torch.Tensor) -> torch.Tensor:
        """Return logits (B, N) of candidates by their `directions`, without evidence."""
        cosines_BKN = torch.einsum("bkp,bnp->bkn", interests.vectors, directions_BNP)
        logits_BKN = cosines_BKN * self.log_scale.exp() + interests.log_shares[..., None]
        return torch.logsumexp(logits_BKN, dim=1)

    def _log_shares(self, routes_BHK: torch.Tensor, mask_BH: torch.Tensor) -> torch.Tensor:
        """Return the log of the weight of each interest (B, K); the weights sum to 1."""
        if self.config.interests == 1:
            return routes_BHK.new_zeros((len(routes_BHK), 1))
        whole = nn.functional.logsigmoid(self.whole)
        share_BHC = routes_BHK[..., 1:].exp() * mask_BH[..., None]
        log_share_BC = (share_BHC.sum(dim=1) / mask_BH.sum(dim=1, keepdim=True)).log()
        return torch.cat([whole.expand(len(routes_BHK), 1), log_share_BC + whole - self.whole], dim=1)

    def directions(self, candidates_ND: torch.Tensor) -> torch.Tensor:
        """Return unit vectors (…, N, P) of candidates in the space of interests."""
        return nn.functional.normalize(self.project(candidates_ND), dim=-1)

    def _routes(self, seen: EncodedHistory, mask_BH: torch.Tensor) -> torch.Tensor:
        """Return the log of the share of each read that belongs to each interest (B, H, K); 0 for the first."""
        if self.config.interests == 1:
            return seen.values.new_zeros((*mask_BH.shape, 1))
        directions_BHP = nn.functional.normalize(seen.values, dim=-1)
        cosines_BHH = directions_BHP @ directions_BHP.transpose(1, 2)
        with torch.no_grad():
            centres_BC = _centres(cosines_BHH, mask_BH, self.config.interests - 1)
        to_centre_BCH = cosines_BHH.gather(1, centres_BC[..., None].expand(-1, -1, mask_BH.shape[1]))
        routes_BHC = (self.log_route.exp() * to_centre_BCH.transpose(1, 2)).log_softmax(dim=2)
        return nn.functional.pad(routes_BHC, (1, 0))

    def _keep_largest(
        self, alpha_BKH: torch.Tensor, quantile_BH: torch.Tensor, history: HistoryBatch
    ) -> torch.Tensor:
        """Keep α of the share of reads with the largest α × q, and set all others to zero. Keep at least one read.

        A history without any known dwell is kept whole: filtering by α only reduces AUC (docs/log/).
        """
        weight_BH = (alpha_BKH.mean(dim=1) * quantile_BH).masked_fill(~history.mask, -1.0)
        count_B1 = (self.config.keep * history.mask.sum(dim=1, keepdim=True)).ceil().long().clamp(min=1)
        threshold_B1 = weight_BH.sort(dim=1, descending=True).values.gather(1, count_B1 - 1)
        untimed_B1 = history.quantile.isnan().all(dim=1, keepdim=True)
        alpha_BKH = alpha_BKH * ((weight_BH >= threshold_B1) | untimed_B1)[:, None]
        return alpha_BKH / alpha_BKH.sum(dim=2, keepdim=True)


def _pooled(values_BHP: torch.Tensor, alpha_BKH: torch.Tensor) -> torch.Tensor:
    return nn.functional.normalize(torch.einsum("bkh,bhp->bkp", alpha_BKH, values_BHP), dim=-1)


def _centres(cosines_BHH: torch.Tensor, mask_BH: torch.Tensor, count: int) -> torch.Tensor:
    """Return the centres (B, K): reads that together have the largest sum of cosines of each read to its nearest.

    Of equal ones the newest is taken.
    """
    length = mask_BH.shape[1]
    newest_H = NEWEST_FIRST * torch.arange(length, device=mask_BH.device) / length
    covered_BH = cosines_BHH.new_full(mask_BH.shape, -1.0)
    chosen = []
    for _ in range(count):
        better_BHH = torch.maximum(covered_BH[:, None], cosines_BHH) * mask_BH[:, None]
        gain_BH = (better_BHH.sum(dim=2) + newest_H).masked_fill(~mask_BH, float("-inf"))
        best_B = gain_BH.argmax(dim=1)
        chosen.append(best_B)
        covered_BH = torch.maximum(covered_BH, cosines_BHH[torch.arange(len(best_B)), best_B])
    return torch.stack(chosen, dim=1)


def _read_features(seconds_BH: torch.Tensor, age_BH: torch.Tensor) -> torch.Tensor:
    """Return (B, H, 3): log dwell (0 where unknown), a flag that dwell is known, log age."""
    known_BH = ~torch.isnan(seconds_BH)
    dwell_BH = torch.log1p(torch.nan_to_num(seconds_BH)) / 5.0
    return torch.stack([dwell_BH, known_BH.to(dwell_BH.dtype), torch.log1p(age_BH) / 5.0], dim=-1)
