"""Losses of an adaptation, all contrastive, on centred unit vectors with one temperature.

- `text_loss`: the headline of an article against its abstract, among those of the batch (InfoNCE; van den Oord et
  al. 2018). It needs no clicks, and teaches the language.
- `co_read_loss`: articles read in one session, among those of the batch. Negatives are drawn as often as they are
  read, so the similarity that fits best is log P(a, b) / P(a)P(b), free of popularity (Levy and Goldberg 2014).
- `click_loss`: the mean of a reader's reads against the clicked article among those passed over on the same slate.
  The log of an article's click rate is added to its logit (logQ; Yi et al. 2019). What popularity explains, the
  encoder does not have to: its part is the logit less that log.
"""

import torch

TEMPERATURE = 0.05
TEXT_WEIGHT, CO_READ_WEIGHT, CLICK_WEIGHT = 0.1, 0.1, 1.0
"""Weights of the losses in their sum. With weights of 0.5, texts and reads of one session lowered the validation
AUC on EB-NeRD (docs/log/).
"""


def text_loss(headlines_AD: torch.Tensor, abstracts_AD: torch.Tensor) -> torch.Tensor:
    """Return the symmetric InfoNCE of headlines and abstracts of the same articles."""
    different_AA = ~torch.eye(len(headlines_AD), dtype=torch.bool, device=headlines_AD.device)
    return _symmetric(headlines_AD @ abstracts_AD.T, different_AA)


def co_read_loss(pairs_2BD: torch.Tensor, articles_2B: torch.Tensor) -> torch.Tensor:
    """Return the symmetric InfoNCE of pairs; an article is no negative of itself, nor of its own partner."""
    one_B, other_B = articles_2B
    different_BB = (one_B[:, None] != one_B[None]) & (other_B[:, None] != other_B[None])
    different_BB &= (one_B[:, None] != other_B[None]) & (other_B[:, None] != one_B[None])
    return _symmetric(pairs_2BD[0] @ pairs_2BD[1].T, different_BB)


def click_loss(
    reads_CRD: torch.Tensor,
    has_read_CR: torch.Tensor,
    candidates_CND: torch.Tensor,
    has_candidate_CN: torch.Tensor,
    log_rate_CN: torch.Tensor,
) -> torch.Tensor:
    """Return the cross-entropy of the first candidate of each slate, which was clicked."""
    counts_C1 = has_read_CR.sum(dim=1, keepdim=True)
    interest_CD = (reads_CRD * has_read_CR[..., None]).sum(dim=1) / counts_C1  # short if the reads are diverse
    cosines_CN = (candidates_CND @ interest_CD[..., None])[..., 0]
    logits_CN = (cosines_CN / TEMPERATURE + log_rate_CN).masked_fill(~has_candidate_CN, -torch.inf)
    clicked_C = torch.zeros(len(logits_CN), dtype=torch.long, device=logits_CN.device)
    return torch.nn.functional.cross_entropy(logits_CN, clicked_C)


def _symmetric(cosines_NN: torch.Tensor, negative_NN: torch.Tensor) -> torch.Tensor:
    """Return the mean of the cross-entropies of rows and columns; the diagonal is right."""
    diagonal_NN = torch.eye(len(cosines_NN), dtype=torch.bool, device=cosines_NN.device)
    logits_NN = (cosines_NN / TEMPERATURE).masked_fill(~(negative_NN | diagonal_NN), -torch.inf)
    target_N = torch.arange(len(logits_NN), device=logits_NN.device)
    cross_entropy = torch.nn.functional.cross_entropy
    return (cross_entropy(logits_NN, target_N) + cross_entropy(logits_NN.T, target_N)) / 2
