from typing import Any

import numpy as np
import pytest

from recsys.encoder import bert
from recsys.encoder.article_text import ArticleText
from recsys.encoder.bert import TextEncoder
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.model_profile import ModelProfile
from recsys.errors import EncoderError
from recsys.settings import Precision, Settings


def test_the_model_is_loaded_with_the_first_text_and_only_once(
    encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[tuple[Any, ...]] = []

    def loading(*wanted: Any) -> TextEncoder:
        loads.append(wanted)
        return encoder

    monkeypatch.setattr(bert, "TextEncoder", loading)
    lazy = LazyEncoder(Settings(encoder_max_tokens=32, device="cpu", encoder_precision="int8"))
    assert loads == []
    first, again = (lazy.encode([ArticleText("a text")]).vectors[lazy.name] for _ in range(2))
    assert loads == [("minilm", 32, ModelProfile(), "cpu", "int8")]
    assert np.array_equal(first, again)


def test_the_name_has_the_model_and_the_length() -> None:
    names = {
        LazyEncoder(Settings(encoder=e, encoder_max_tokens=n)).name for e in ("minilm", "other") for n in (32, 64)
    }
    assert len(names) == 4


def test_the_name_has_the_precision() -> None:
    precisions: tuple[Precision, ...] = ("float32", "bfloat16", "int8")
    names = [LazyEncoder(Settings(encoder_precision=each)).name for each in precisions]
    assert names == ["minilm@64x3", "minilm@64x3-bfloat16", "minilm@64x3-int8"]


def test_a_wrong_encoder_is_an_error_with_the_first_text() -> None:
    with pytest.raises(EncoderError, match="ATTUNE_ENCODER"):
        LazyEncoder(Settings(encoder="./no such folder", device="cpu")).encode([ArticleText("x")])
