"""The commands as people run them."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from api.cli.ingest import app
from ingest.raw_batch import KINDS
from recsys.errors import DataError
from recsys.store.articles import count
from recsys.store.database import open_database
from tests.unit.ingest.ebnerd_tables import behaviours, history, write

ROWS = [
    {"id": "a", "title": "A"},
    {"reader": "r", "kind": "click", "article": "a", "at": 1_684_393_203},
    {"reader": "r", "kind": "glance", "article": "a", "at": 1_684_393_203},
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of its own for the database and the reject files."""
    return tmp_path / "home"


def attune(home: Path, *arguments: object) -> Result:
    options = ["--home", str(home), "--database-url", f"sqlite:///{home}/attune.db"]
    return CliRunner().invoke(app, [*map(str, arguments), *options])


def numbers(result: Result) -> dict[str, list[int]]:
    """The summary: kind → read, stored, updated, duplicate, rejected, without article."""
    rows = [line.split() for line in result.stdout.splitlines()]
    counted = [row for row in rows if len(row) == 7 and row[0] in KINDS]
    return {name: [int(cell.replace(",", "")) for cell in cells] for name, *cells in counted}


def test_json_lines_and_their_summary(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(map(json.dumps, ROWS)))
    result = attune(home, "jsonl", log)
    assert result.exit_code == 0
    assert numbers(result) == {"articles": [1, 1, 0, 0, 0, 0], "events": [2, 1, 0, 0, 1, 0]}
    assert "events rejected, kind: unknown (use one of impression, click" in result.stdout
    (rejects,) = (home / "rejects").rglob("*.jsonl")
    assert json.loads(rejects.read_text())["row"] == 3
    assert numbers(attune(home, "jsonl", log))["events"] == [2, 0, 0, 1, 1, 0]


@pytest.mark.parametrize("command", ["csv", "parquet"])
def test_tables(home: Path, tmp_path: Path, command: str) -> None:
    table, path = pl.DataFrame([{"id": "a", "title": "A"}]), tmp_path / f"articles.{command}"
    table.write_csv(path) if command == "csv" else table.write_parquet(path)
    assert numbers(attune(home, command, path)) == {"articles": [1, 1, 0, 0, 0, 0]}


def test_ebnerd(home: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "eb", behaviours({}), history({2: [(101, -9, 3.0, 40.0)]}))
    assert numbers(attune(home, "ebnerd", folder)) == {
        "articles": [3, 3, 0, 0, 0, 0],
        "impressions": [1, 1, 0, 0, 0, 0],
        "events": [6, 6, 0, 0, 0, 0],
    }


def test_mind(home: Path, tmp_path: Path) -> None:
    (tmp_path / "news.tsv").write_text("N1\tnews\tworld\tTitle\t\t\t\t\n")
    (tmp_path / "behaviors.tsv").write_text("1\tU1\tN9\tN1-1 N2-0\n")
    assert numbers(attune(home, "mind", tmp_path)) == {
        "articles": [1, 1, 0, 0, 0, 0],
        "impressions": [1, 1, 0, 0, 0, 1],
        "events": [2, 2, 0, 0, 0, 1],
    }


ONE_LANGUAGE = {
    "da": "Kommunen vil bygge en ny cykelsti gennem den gamle bydel, men naboerne frygter støjen",
    "en": "The council wants to build a cycle path through the old town, but neighbours fear the noise",
}


@pytest.mark.parametrize("language", ONE_LANGUAGE)
def test_a_language_that_the_encoder_does_not_read_ends_the_summary(
    home: Path, tmp_path: Path, language: str
) -> None:
    path = tmp_path / "articles.jsonl"
    rows = [{"id": f"a{i}", "title": f"{ONE_LANGUAGE[language]} ({i})"} for i in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    last = attune(home, "jsonl", path).output.splitlines()[-1]
    assert (last.startswith("warning: 100% of the articles are Danish; the encoder")) == (language == "da")


def test_mind_needs_a_folder_or_a_download(home: Path) -> None:
    result = attune(home, "mind")
    assert result.exit_code == 2
    assert "--download" in result.stderr


def test_unreadable_input_is_an_error_with_a_message(home: Path, tmp_path: Path) -> None:
    result = attune(home, "ebnerd", tmp_path)
    assert isinstance(result.exception, DataError)
    assert "expected articles.parquet" in str(result.exception)


@pytest.mark.soak  # minutes on a slow disk; parts of it are read in test_ingest_second_folder.py
def test_the_demo(home: Path, ebnerd: Path) -> None:
    found = numbers(attune(home, "ebnerd", ebnerd))
    assert found["impressions"] == [24_724, 24_724, 0, 0, 0, 58]
    read, stored, updated, duplicate, rejected, _ = found["events"]
    assert read == stored + updated + duplicate + rejected
    assert 800_000 < stored < 850_000
    database = open_database(f"sqlite:///{home}/attune.db")
    with database.read() as connection:
        assert count(connection) == found["articles"][1]
    database.close()


def test_a_mapping_reads_compressed_rows_after_a_dry_run(home: Path, tmp_path: Path) -> None:
    row = {"type": "page", "messageId": "m", "anonymousId": "r", "timestamp": 1_684_393_203}
    path = tmp_path / "pages.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps({**row, "properties": {"url": "https://n.example/a"}}).encode()))
    tried = attune(home, "jsonl", path, "--map", "segment", "--dry-run")
    assert tried.exit_code == 0 and '"article": "https://n.example/a"' in tried.stdout
    assert "1 events; nothing was stored" in tried.stdout and not (home / "attune.db").exists()
    assert numbers(attune(home, "jsonl", path, "--map", "segment")) == {"events": [1, 1, 0, 0, 0, 1]}
    assert isinstance(attune(home, "jsonl", path, "--map", "nothing").exception, DataError)
