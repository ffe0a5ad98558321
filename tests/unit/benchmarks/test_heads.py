import numpy as np
import pytest

from benchmarks.heads import by_effect, removable, remove
from recsys.encoder.bert import TextEncoder
from recsys.encoder.token_batches import encode

TEXTS = ["Rain", "sport tennis: Home player wins the open after five long sets", "Council votes on tram"]


@pytest.fixture(scope="module")
def plain() -> TextEncoder:
    return TextEncoder(device="cpu")


def test_removing_a_head_changes_what_silencing_it_changed(plain: TextEncoder) -> None:
    ranked = by_effect(plain, TEXTS)
    assert len(ranked) == 72
    whole = encode(plain, TEXTS)
    for head, effect in (ranked[0], ranked[-1]):
        less = TextEncoder(device="cpu")
        remove(less, [head])
        assert 1 - (encode(less, TEXTS) * whole).sum(axis=1).mean() == pytest.approx(effect, abs=1e-5)


def test_ranking_leaves_the_encoder_as_it_was(plain: TextEncoder) -> None:
    before = encode(plain, TEXTS)
    by_effect(plain, TEXTS[:1])
    np.testing.assert_array_equal(encode(plain, TEXTS), before)


def test_a_removed_head_takes_its_weights_along() -> None:
    less = TextEncoder(device="cpu")
    before = sum(each.numel() for each in less.network.parameters())
    remove(less, [(0, 3), (0, 4), (5, 0)])
    dim, width = 384, 32
    per_head = 3 * (dim * width + width) + width * dim
    assert before - sum(each.numel() for each in less.network.parameters()) == 3 * per_head


def test_every_layer_keeps_a_head() -> None:
    ranked = [((0, 1), 0.1), ((0, 0), 0.2), ((1, 0), 0.3), ((1, 1), 0.4)]
    assert removable(ranked, 1) == [(0, 1)]
    assert removable(ranked, 4) == [(0, 1), (1, 0)]
