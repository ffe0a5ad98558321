"""`attune adapt` as an operator runs it."""

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from api.cli import app
from recsys.settings import Settings
from tests.trained import place, populated


def attune_adapt(folder: Path, settings: Settings, *options: str) -> Result:
    url = place(folder).settings.database_url
    environment = {"ATTUNE_DATABASE_URL": url, "ATTUNE_ENCODER": settings.encoder, "ATTUNE_DEVICE": "cpu"}
    arguments = ["adapt", "--home", str(folder), "--name", "ours", "--steps", "1", *options]
    return CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)


def test_the_command_refuses_to_write_what_is_not_better_and_says_how_to(
    tmp_path: Path, settings: Settings
) -> None:
    populated(tmp_path)
    refused = attune_adapt(tmp_path, settings)
    assert refused.exit_code == 1
    assert "not better than its base" in refused.stdout
    assert "--keep" in refused.stdout
    assert "AUC, untrained match: 0." in refused.stdout
    assert not (tmp_path / "encoders" / "ours").exists()
    kept = attune_adapt(tmp_path, settings, "--keep")
    assert kept.exit_code == 0
    assert f"ATTUNE_ENCODER={tmp_path / 'encoders' / 'ours'}" in kept.stdout.replace("\n", "")
    assert (tmp_path / "encoders" / "ours" / "README.md").is_file()
