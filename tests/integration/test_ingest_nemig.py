"""NeMig, brought to MIND's layout by the line that docs/ingest.md gives."""

import re
import subprocess
from itertools import islice
from pathlib import Path

import pytest

from ingest import jobs
from ingest.sources.mind import Mind
from recsys.store.database import Database

ROOT = Path(__file__).parents[2]
NEMIG = ROOT.parent / "shared" / "data" / "nemig-en"

ROWS = 3_000
"""Rows of each file that are read: the first ones, because all take half a minute."""


@pytest.fixture
def nemig(tmp_path: Path) -> Path:
    """A folder in MIND's layout with the beginning of NeMig, made as documented."""
    if not NEMIG.is_dir():
        pytest.skip("the nemig-en data set is not on this machine (looked in ../shared/data)")
    for name in ("behaviors.tsv", "news.jsonl"):
        with (NEMIG / name).open() as rows:
            (tmp_path / name).write_text("".join(islice(rows, ROWS)))
    (line,) = re.findall(r"^python3 -c .*news\.tsv$", (ROOT / "docs" / "ingest.md").read_text(), re.MULTILINE)
    subprocess.run(line, shell=True, check=True, cwd=tmp_path)
    return tmp_path


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def test_every_row_of_nemig_is_accounted_for(database: Database, nemig: Path, tmp_path: Path) -> None:
    report = jobs.run(Mind(nemig), database, tmp_path / "rejects")
    assert report.count("articles", "read") == lines(nemig / "news.jsonl")
    assert report.count("impressions", "read") == lines(nemig / "behaviors.tsv")
    assert all(report.unaccounted(kind) == 0 for kind in report.kinds())
    assert report.count("impressions", "stored") == lines(nemig / "behaviors.tsv")
    again = jobs.run(Mind(nemig), database, tmp_path / "rejects")
    assert all(again.count(kind, "stored") == 0 for kind in again.kinds())
