"""`attune sample`: files that ingest accepts whole, up to the last midnight, and nothing overwritten."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from recsys.errors import ConfigError

NAMES = ("articles.jsonl", "events.jsonl", "impressions.jsonl")


def sample(folder: Path) -> str:
    result = CliRunner().invoke(app, ["sample", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_ingest_stores_every_row_of_the_sample(tmp_path: Path) -> None:
    sample(tmp_path)
    database = f"sqlite:///{tmp_path / 'attune.db'}"
    command = ["ingest", "jsonl", *(str(tmp_path / name) for name in NAMES), "--database-url", database]
    result = CliRunner().invoke(app, [*command, "--home", str(tmp_path / "home")], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    for name in NAMES:
        count = len((tmp_path / name).read_text().splitlines())
        (line,) = (line for line in result.output.splitlines() if line.split()[:1] == [name.split(".")[0]])
        assert [int(cell.replace(",", "")) for cell in line.split()[1:]] == [count, count, 0, 0, 0, 0]


def test_the_last_day_of_the_sample_ended_at_the_last_midnight(tmp_path: Path) -> None:
    output = sample(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "impressions.jsonl").read_text().splitlines()]
    newest = max(datetime.fromisoformat(row["at"]) for row in rows)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert 0 < (midnight - newest).total_seconds() < 86_400
    assert f"attune train --until {newest:%Y-%m-%d}T00:00" in output


def test_the_sample_overwrites_no_file(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("mine")
    with pytest.raises(ConfigError, match=r"events\.jsonl exists"):
        sample(tmp_path)
    assert (tmp_path / "events.jsonl").read_text() == "mine"
    assert not (tmp_path / "articles.jsonl").exists()
