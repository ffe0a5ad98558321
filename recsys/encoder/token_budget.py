"""Long texts within a token budget: the ignored tokens leave the network after its first layers.

All tokens go through the first layers. Then the tokens that receive the most attention go on, as many as the
budget; the others are dropped. Without them the remaining ones would lose their context, and the mean over the
text its content. So later layers still attend to the dropped tokens, and pooling still counts them, with estimated
states (`move_estimate`). They save the queries and the feed-forward part of the later layers, most of the work.

Needs a network with the modules of BERT (BERT, RoBERTa, XLM-R and their descendants).
Related: PoWER-BERT (Goyal et al. 2020) drops tokens by received attention, without estimates.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from recsys.encoder.move_estimate import MoveEstimate
from recsys.errors import EncoderError

_QUERY_STEP = 8
"""Received attention is the mean over every eighth query: enough to order tokens, at an eighth of the cost."""

Score = Callable[[torch.Tensor], torch.Tensor]
"""Order of tokens from the attention that they receive (B, T) → (B, T); the largest go on."""


def by_attention(received_BT: torch.Tensor) -> torch.Tensor:
    """Return the received attention itself."""
    return received_BT


@dataclass(frozen=True, slots=True)
class TokenBudget:
    """Budget of one text.

    tokens: those that go through all layers; after: number of layers for all tokens, by default half of them;
    score: order of the tokens.
    """

    tokens: int
    after: int | None = None
    score: Score = by_attention


def hidden_within(network: Any, batch: Mapping[str, torch.Tensor], budget: TokenBudget) -> torch.Tensor:
    """Return the last hidden states (B, T, D), those of dropped tokens estimated.

    Without more tokens than the budget, all are computed.

    Raises:
        EncoderError: the network does not have the modules of BERT.
    """
    layers = _layers(network)
    mask_BT = batch["attention_mask"].bool()
    allowed = None if bool(mask_BT.all()) else mask_BT[:, None, None, :]
    if mask_BT.shape[1] <= budget.tokens:
        budget = TokenBudget(budget.tokens, len(layers))
    after = max(len(layers) // 2, 1) if budget.after is None else budget.after
    hidden_BTD: torch.Tensor = network.embeddings(input_ids=batch["input_ids"])
    before_BTD = hidden_BTD
    for layer in layers[:after]:
        before_BTD, hidden_BTD = hidden_BTD, _forward(layer, hidden_BTD, hidden_BTD, allowed)
    if after >= len(layers):
        return hidden_BTD
    received_BT = _received(layers[after - 1].attention.self, before_BTD, mask_BT)
    kept_BN = kept_places(budget.score(received_BT), mask_BT, budget.tokens)
    estimate = MoveEstimate(hidden_BTD, kept_BN)
    for layer in layers[after:]:
        moved_BND = _forward(layer, estimate.of_kept(hidden_BTD), hidden_BTD, allowed)
        hidden_BTD = estimate.completed(moved_BND)
    return hidden_BTD


def _layers(network: Any) -> Any:
    try:
        layers = network.encoder.layer
        _ = layers[0].attention.self.query, layers[0].attention.output, layers[0].intermediate, layers[0].output
    except AttributeError as error:
        raise EncoderError(
            f"{type(network).__name__} has no layers like those of BERT: unset ATTUNE_TOKEN_BUDGET"
        ) from error
    return layers


def _forward(
    layer: Any, query_BND: torch.Tensor, key_BTD: torch.Tensor, allowed: torch.Tensor | None
) -> torch.Tensor:
    """Run a layer of BERT for some tokens that attend to all: (B, N, D)."""
    own = layer.attention.self
    mixed_BHNd = scaled_dot_product_attention(
        _heads(own, own.query(query_BND)), _heads(own, own.key(key_BTD)), _heads(own, own.value(key_BTD)), allowed
    )
    attended_BND = layer.attention.output(mixed_BHNd.transpose(1, 2).flatten(2), query_BND)
    output_BND: torch.Tensor = layer.output(layer.intermediate(attended_BND), attended_BND)
    return output_BND


def _heads(own: Any, values_BTD: torch.Tensor) -> torch.Tensor:
    texts, tokens, _ = values_BTD.shape
    return values_BTD.view(texts, tokens, -1, own.attention_head_size).transpose(1, 2)


def _received(own: Any, hidden_BTD: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
    """Return the attention that each token receives, mean over heads and a sample of queries: (B, T)."""
    query_BHQd = _heads(own, own.query(hidden_BTD[:, ::_QUERY_STEP]))
    key_BHTd = _heads(own, own.key(hidden_BTD))
    logits_BHQT = query_BHQd @ key_BHTd.transpose(2, 3) * own.attention_head_size**-0.5
    attention_BHQT = logits_BHQT.float().masked_fill(~mask_BT[:, None, None, :], -torch.inf).softmax(dim=-1)
    real_BQ = mask_BT[:, ::_QUERY_STEP].float()
    weight_BQ = real_BQ / real_BQ.sum(dim=1, keepdim=True)
    received_BT: torch.Tensor = (attention_BHQT.mean(dim=1) * weight_BQ.unsqueeze(-1)).sum(dim=1)
    return received_BT


def kept_places(score_BT: torch.Tensor, mask_BT: torch.Tensor, tokens: int) -> torch.Tensor:
    """Return the positions of the tokens that go on (B, N): first, last, and those with the largest scores."""
    score_BT = score_BT.float().masked_fill(~mask_BT, -torch.inf)
    order_BT = mask_BT * torch.arange(1, mask_BT.shape[1] + 1, device=mask_BT.device)
    ends_B2 = torch.stack([mask_BT.int().argmax(dim=1), order_BT.argmax(dim=1)], dim=1)
    kept_BN: torch.Tensor = score_BT.scatter(1, ends_B2, torch.inf).topk(tokens, dim=1).indices
    return kept_BN.sort(dim=1).values
