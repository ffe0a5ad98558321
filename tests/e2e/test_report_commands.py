"""`attune report` as people run it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import api.cli
from api.application.iso_time import to_iso
from recsys.domain import DAY
from recsys.errors import AttuneError
from tests.trained import HashEncoder, Place, last_day


def run(where: Place, *arguments: str) -> str:
    env = {"ATTUNE_DATABASE_URL": where.settings.database_url, "ATTUNE_HOME": str(where.home), "PATH": ""}
    done = CliRunner().invoke(api.cli.app, ["report", *arguments], env=env, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_reports_are_written_where_they_should_be(
    trained: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.encoder.lazy.LazyEncoder", lambda settings: HashEncoder())
    until = to_iso(last_day() + DAY)
    for title, arguments in (
        ("Evaluation of the ranking", ("evaluation",)),
        ("A week", ("week", "--until", until)),
    ):
        out = tmp_path / f"{arguments[0]}.html"
        assert f"report: {out}" in run(trained, *arguments, "--out", str(out))
        assert f"<h1>{title}" in out.read_text()


def test_errors_come_before_a_file_is_written(trained: Place, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    for arguments, fix in (
        (("trial", "--out", str(out)), "attune models try"),
        (("week", "--out", str(out), "--until", "1999-01-01"), "--until"),
        (("week", "--out", str(out), "--pdf", str(tmp_path / "x.pdf")), "omit --pdf"),
        (("week", "--out", str(tmp_path / "no" / "report.html")), "create the folder"),
    ):
        with pytest.raises(AttuneError, match=fix):
            run(trained, *arguments)
    assert not out.exists()
