"""Boilerplate of the sources of a stored log, as the command finds it."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from api.cli import app
from recsys.encoder.bert import TextEncoder
from recsys.errors import DataError
from recsys.frames import ARTICLES, conform
from recsys.store import articles
from recsys.training.calibration.source_boilerplate import source_boilerplate
from recsys.training.training_run import silent
from tests.trained import Place, place, quick_settings, world


@pytest.fixture
def outlets(tmp_path: Path, tiny_encoder: Path) -> Place:
    """Half of the articles are of an outlet that puts its name behind its titles."""
    made, catalogue = place(tmp_path, like=quick_settings(tiny_encoder)), world().articles
    own = pl.int_range(pl.len()) % 2 == 0
    named = catalogue.with_columns(
        source=pl.when(own).then(pl.lit("courier")).otherwise(pl.lit("herald")),
        title=pl.when(own).then(pl.col("title") + " | Daily Courier").otherwise(pl.col("title")),
    )
    database = made.open()
    with database.write() as connection:
        articles.upsert(connection, conform(named, ARTICLES))
    database.close()
    return made


def test_the_command_names_source_phrase_share_and_attention(
    outlets: Place, tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_ENCODER", str(tiny_encoder))
    file = tmp_path / "phrases.json"
    options = ["--database-url", outlets.settings.database_url, "--home", str(outlets.home)]
    result = CliRunner().invoke(app, ["attention", "boilerplate", "--json", str(file), *options])
    assert result.exit_code == 0, result.output
    assert "courier" in result.output
    phrase = json.loads(file.read_text())[0]  # the most common comes first
    assert phrase["words"][-3:] == ["|", "Daily", "Courier"]
    assert (phrase["source"], phrase["before"], phrase["share"]) == ("courier", False, 1.0)
    assert phrase["received"] > 0


def test_an_empty_log_says_what_to_do(tmp_path: Path, tiny_encoder: Path) -> None:
    encoder = TextEncoder(str(tiny_encoder), device="cpu")
    with pytest.raises(DataError, match="attune ingest"):
        source_boilerplate(place(tmp_path).open(), encoder, silent)
