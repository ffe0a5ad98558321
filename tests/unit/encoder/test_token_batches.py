from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.encoder.bert import TextEncoder
from recsys.encoder.token_batches import TOKENS_PER_BATCH, encode


class Counting:
    """Stands in for an encoder: a text is its own length in tokens, its vector is that length."""

    dim = 1

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        return [[7] * int(text) for text in texts]

    def encode_tokens(self, tokens: Sequence[list[int]]) -> np.ndarray:
        self.batches.append([len(ids) for ids in tokens])
        return np.asarray([[len(ids)] for ids in tokens], dtype=np.float32)


def run(lengths: list[int]) -> tuple[list[int], list[list[int]]]:
    encoder = Counting()
    vectors = encode(cast(Any, encoder), [str(length) for length in lengths])
    return vectors[:, 0].astype(int).tolist(), encoder.batches


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(2, 600), max_size=80))
def test_batches_lose_no_text_and_keep_its_order(lengths: list[int]) -> None:
    found, batches = run(lengths)
    assert found == lengths
    assert sum(map(len, batches)) == len(lengths)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(2, 600), max_size=80))
def test_no_batch_exceeds_the_budget_of_padded_tokens(lengths: list[int]) -> None:
    _, batches = run(lengths)
    assert all(len(batch) * max(batch) <= TOKENS_PER_BATCH for batch in batches)


def test_texts_of_one_length_share_a_batch() -> None:
    assert run([500, 4] * 8)[1] == [[4] * 8, [500] * 8]


def test_a_text_longer_than_the_budget_goes_alone() -> None:
    assert run([5_000, 5_000])[1] == [[5_000], [5_000]]


def test_no_texts_give_no_vectors(encoder: TextEncoder) -> None:
    assert encode(encoder, []).shape == (0, encoder.dim)


def test_the_empty_text_has_a_vector(encoder: TextEncoder) -> None:
    assert np.linalg.norm(encode(encoder, [""])) > 0.99


def test_sorting_by_length_does_not_change_vectors(encoder: TextEncoder) -> None:
    texts = ["a long title about the weather of tomorrow and the day after", "short", "two words", "short"]
    alone = np.concatenate([encode(encoder, [text]) for text in texts])
    np.testing.assert_allclose(encode(encoder, texts), alone, atol=1e-5)
