"""Profiles of text models: what a model ships, what is known of it, and what the settings override."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from recsys.encoder.bert import pool
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.model_profile import ModelProfile, folder_reader, read_profile
from recsys.errors import EncoderError
from recsys.settings import load_settings

MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]


def model(folder: Path, pooling: dict[str, bool] | None = None, **files: object) -> Path:
    """Write the files of a model beside its weights."""
    if pooling is not None:
        files = {"modules": MODULES, **files}
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def profile_of(folder: Path, name: str | None = None) -> ModelProfile:
    return read_profile(name or str(folder), folder_reader(folder))


def test_pooling_prompt_and_length_are_those_that_the_model_ships(tmp_path: Path) -> None:
    folder = model(
        tmp_path,
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        config_sentence_transformers={"prompts": {"news": "article: "}, "default_prompt_name": "news"},
        sentence_bert_config={"max_seq_length": 48},
    )
    assert profile_of(folder) == ModelProfile(pooling="cls", prompt="article: ", max_tokens=48)


def test_a_prompt_for_searches_is_not_put_before_articles(tmp_path: Path) -> None:
    folder = model(tmp_path, config_sentence_transformers={"prompts": {"query": "Represent this: "}})
    assert profile_of(folder).prompt == ""


@pytest.mark.parametrize("name", ["intfloat/multilingual-e5-small", "/models/Multilingual-E5-base"])
def test_e5_gets_its_prompt_by_its_name(tmp_path: Path, name: str) -> None:
    assert profile_of(tmp_path, name).prompt == "query: "


def test_a_bare_folder_of_e5_is_known_by_its_sizes(tmp_path: Path) -> None:
    sizes = {"vocab_size": 250_037, "num_hidden_layers": 12, "hidden_size": 384}
    assert profile_of(model(tmp_path, config=sizes)).prompt == "query: "


def test_a_model_of_the_same_sizes_that_says_how_it_pools_gets_no_prompt(tmp_path: Path) -> None:
    sizes = {"vocab_size": 250_037, "num_hidden_layers": 12, "hidden_size": 384}
    assert profile_of(model(tmp_path, {"pooling_mode_mean_tokens": True}, config=sizes)).prompt == ""


def test_a_model_that_says_nothing_is_pooled_by_its_mean(tmp_path: Path) -> None:
    assert profile_of(tmp_path) == ModelProfile()


@pytest.mark.parametrize("pooling", [{"pooling_mode_weightedmean_tokens": True}, {}])
def test_an_unknown_pooling_is_refused_with_the_setting_that_helps(
    tmp_path: Path, pooling: dict[str, bool]
) -> None:
    with pytest.raises(EncoderError, match="ATTUNE_ENCODER_POOLING"):
        profile_of(model(tmp_path, pooling))


def test_a_damaged_file_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("{")
    with pytest.raises(EncoderError, match=r"modules\.json is not JSON"):
        profile_of(tmp_path)


def test_settings_override_what_the_model_ships(tmp_path: Path) -> None:
    folder = model(tmp_path, {"pooling_mode_cls_token": True})
    settings = load_settings(encoder=str(folder), encoder_pooling="max", encoder_prompt="passage: ")
    assert LazyEncoder(settings).profile == ModelProfile(pooling="max", prompt="passage: ")


def test_the_setting_of_a_pooling_helps_where_the_shipped_one_is_unknown(tmp_path: Path) -> None:
    folder = model(tmp_path, {"pooling_mode_weightedmean_tokens": True})
    assert LazyEncoder(load_settings(encoder=str(folder), encoder_pooling="mean")).profile.pooling == "mean"


def test_vectors_of_different_profiles_have_different_names() -> None:
    names = {
        LazyEncoder(load_settings(encoder_pooling=pooling, encoder_prompt=prompt)).name
        for pooling in (None, "cls")
        for prompt in (None, "query: ")
    }
    assert len(names) == 4
    assert "minilm@64x3" in names, "vectors that were stored before stay valid"


@pytest.mark.parametrize("pad_left", [False, True])
def test_padding_changes_no_pooled_vector(pad_left: bool) -> None:
    hidden = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(1))
    padding = torch.full((1, 2, 3), 9.0)
    padded = torch.cat([padding, hidden] if pad_left else [hidden, padding], dim=1)
    mask = torch.tensor([[0, 0, 1, 1, 1, 1] if pad_left else [1, 1, 1, 1, 0, 0]])
    expected = {
        "mean": hidden.mean(dim=1),
        "cls": hidden[:, 0],
        "last": hidden[:, -1],
        "max": hidden.amax(dim=1),
    }
    for pooling, vector in expected.items():
        wanted = torch.nn.functional.normalize(vector, dim=-1).numpy()
        np.testing.assert_allclose(pool(padded, mask, pooling).numpy(), wanted, atol=1e-6)  # type: ignore[arg-type]
