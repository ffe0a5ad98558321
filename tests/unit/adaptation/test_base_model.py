from pathlib import Path

import numpy as np
import pytest

from recsys.adaptation.base_model import licence_of, load_base
from recsys.adaptation.top_layers import TopLayers
from recsys.adaptation.trunk_cache import cached_trunk
from recsys.encoder.bert import TextEncoder
from recsys.settings import Settings
from recsys.training.training_run import silent
from tests.trained import world


def test_the_licence_is_that_of_the_card(tmp_path: Path) -> None:
    assert licence_of("intfloat/multilingual-e5-small") == "mit"
    assert licence_of(str(tmp_path)) == "unknown"
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n")
    assert licence_of(str(tmp_path)) == "cc-by-4.0"


@pytest.mark.parametrize("layers", [1, 3])
def test_cached_lower_layers_and_top_layers_make_the_vectors_of_the_whole(
    layers: int, settings: Settings, tiny: Path, tmp_path: Path
) -> None:
    base = load_base(settings, layers)
    texts = world().articles["title"].to_list()[:40]
    cache = cached_trunk(base, texts, layers, tmp_path, "digest", silent)
    found = TopLayers(base, layers).frozen_vectors(cache, np.arange(len(texts)))
    whole = TextEncoder(str(tiny), device="cpu")
    expected = whole.encode_tokens(whole.tokenize([f"query: {text}" for text in texts]))
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_cache_of_other_texts_is_replaced(settings: Settings, tmp_path: Path) -> None:
    base = load_base(settings, 2)
    titles = world().articles["title"].to_list()
    cached_trunk(base, titles[:9], 2, tmp_path, "one", silent)
    again = cached_trunk(base, titles[9:15], 2, tmp_path, "two", silent)
    assert len(again.offsets) == 7
    assert np.isfinite(again.tokens).all()
    assert (again.tokens != 0).any(axis=1).all()
