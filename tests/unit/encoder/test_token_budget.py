from types import SimpleNamespace

import numpy as np
import pytest
import torch

from recsys.encoder.bert import TextEncoder
from recsys.encoder.move_estimate import MoveEstimate
from recsys.encoder.token_budget import TokenBudget, hidden_within, kept_places
from recsys.errors import EncoderError

TEXT = (
    "The council votes on the tram tonight. Home players won the open after five long sets in the sun. "
    "The bank raised its interest rates again, and prices of houses fell for the third month in a row. "
)


@pytest.fixture(scope="module")
def lines(encoder: TextEncoder) -> list[list[int]]:
    return [*encoder.windows(TEXT * 3, 1), *encoder.windows(TEXT * 2, 1)]


def cosines(encoder: TextEncoder, lines: list[list[int]], budget: TokenBudget) -> list[float]:
    return list((encoder.encode_within(lines, budget) * encoder.encode_tokens(lines)).sum(axis=1))


def test_a_budget_that_is_not_smaller_than_the_text_changes_nothing(
    encoder: TextEncoder, lines: list[list[int]]
) -> None:
    longest = max(map(len, lines))
    np.testing.assert_array_equal(encoder.encode_within(lines, longest), encoder.encode_tokens(lines))
    batch = encoder._padded(lines)
    with torch.inference_mode():
        plain = encoder.network(**batch).last_hidden_state
        own = hidden_within(encoder.network, batch, TokenBudget(longest))
    real = batch["attention_mask"].bool()
    torch.testing.assert_close(own[real], plain[real], atol=1e-5, rtol=0)


def test_padding_changes_no_vector_within_a_budget(encoder: TextEncoder, lines: list[list[int]]) -> None:
    alone = np.concatenate([encoder.encode_within([line], 48) for line in lines])
    np.testing.assert_allclose(encoder.encode_within(lines, 48), alone, atol=1e-5)


def test_short_texts_of_a_batch_are_read_in_full(encoder: TextEncoder, lines: list[list[int]]) -> None:
    short = encoder.tokenize(["Rain"])
    vectors = encoder.encode_within([lines[0], *short], 48)
    np.testing.assert_allclose(vectors[1:], encoder.encode_tokens(short), atol=1e-6)


def test_later_layers_compute_only_the_budget(encoder: TextEncoder, lines: list[list[int]]) -> None:
    computed: list[int] = []
    handles = [
        layer.intermediate.register_forward_hook(lambda _m, given, _o: computed.append(given[0].shape[1]))
        for layer in encoder.network.encoder.layer
    ]
    encoder.encode_within(lines[:1], TokenBudget(48, after=2))
    for handle in handles:
        handle.remove()
    assert computed == [len(lines[0])] * 2 + [48] * 4


def test_larger_budgets_are_nearer_to_the_full_reading(encoder: TextEncoder, lines: list[list[int]]) -> None:
    small, large = (cosines(encoder, lines[:1], TokenBudget(tokens))[0] for tokens in (24, 96))
    assert small < large
    assert large > 0.97


def test_the_first_and_the_last_token_go_on_whatever_their_score() -> None:
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]]).bool()
    score = torch.tensor([[0.0, 3.0, 9.0, 5.0, 2.0, 1.0]]).expand(2, 6)
    assert kept_places(score, mask, 4).tolist() == [[0, 2, 3, 5], [0, 2, 3, 4]]


def test_networks_without_the_layers_of_bert_are_refused() -> None:
    with pytest.raises(EncoderError, match="ATTUNE_TOKEN_BUDGET"):
        hidden_within(SimpleNamespace(encoder=SimpleNamespace()), {}, TokenBudget(16))


def test_kept_tokens_have_their_computed_states() -> None:
    generator = torch.Generator().manual_seed(1)
    states, moved = torch.randn(2, 9, 5, generator=generator), torch.randn(2, 4, 5, generator=generator)
    kept = torch.tensor([[0, 2, 5, 8], [0, 1, 3, 8]])
    estimate = MoveEstimate(states, kept)
    torch.testing.assert_close(estimate.of_kept(estimate.completed(moved)), moved)


def test_moves_along_a_line_are_estimated_exactly() -> None:
    states = torch.randn(1, 30, 5, generator=torch.Generator().manual_seed(2))
    slope, shift = torch.tensor([0.5, -1.0, 2.0, 0.0, 1.0]), torch.arange(5.0)
    estimate = MoveEstimate(states, torch.arange(0, 30, 3)[None])
    later = states * slope + shift
    torch.testing.assert_close(estimate.completed(estimate.of_kept(later)), later, atol=1e-4, rtol=1e-4)
