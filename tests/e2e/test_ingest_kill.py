"""kill -9 in the middle of an import, again and again, then the same command once more: stored once.

Run as a program, this file is the process that gets killed: it imports a file and prints its position after
every batch.
"""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from ingest import jobs
from ingest.job_report import Report
from ingest.sources.jsonl import JsonLines
from recsys.store import event_log_reader
from recsys.store.articles import count
from recsys.store.database import open_database

MOMENT = 1_684_393_203
EVENTS, SLATES, ARTICLES, BAD = 2_000, 400, 100, 40
BLOCK_BYTES = 2_000
ROOT = Path(__file__).parents[2]


def write_log(path: Path) -> None:
    """A mixed log, shuffled, seeded; every bad row is bad in its own place."""
    rows: list[object] = [{"id": f"a{i}", "title": f"Title {i}"} for i in range(ARTICLES)]
    rows += [
        {"reader": f"r{i % 40}", "kind": "click", "article": f"a{i % ARTICLES}", "at": MOMENT + i}
        for i in range(EVENTS)
    ]
    rows += [
        {"id": f"s{i}", "reader": f"r{i % 40}", "at": MOMENT + i, "candidates": [f"a{i % ARTICLES}", "a0"]}
        for i in range(SLATES)
    ]
    rows += [{"reader": "r", "kind": "glance", "article": "a0", "at": MOMENT + i} for i in range(BAD)]
    random.Random(7).shuffle(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def ingest(log: Path, url: str, rejects: Path, report: bool = False) -> Report:
    """One run of the job; `report` prints the position after every batch."""
    database = open_database(url)
    try:
        source = JsonLines([log], BLOCK_BYTES)
        return jobs.run(source, database, rejects, (lambda done, _: print(done, flush=True)) if report else None)
    finally:
        database.close()


def kill_after(batches: int, pause: float, log: Path, url: str, rejects: Path) -> None:
    """Start an import in a process of its own, and kill it a moment after it has reported some batches."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(log), url, str(rejects)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": "."},
    )
    assert process.stdout is not None
    for _ in range(batches):
        if not process.stdout.readline():
            break
    time.sleep(pause)  # somewhere in the next batch
    process.kill()
    process.stdout.close()
    assert process.wait() in (-signal.SIGKILL, 0)


def check_stored_once(log: Path, url: str, rejects: Path) -> None:
    report = ingest(log, url, rejects)
    assert [report.count("events", name) for name in ("read", "stored", "duplicate")] == [EVENTS + BAD, EVENTS, 0]
    assert [report.count("impressions", name) for name in ("read", "stored", "duplicate")] == [SLATES, SLATES, 0]
    assert report.count("articles", "stored") == ARTICLES
    assert report.rejected("events") == {"kind: unknown": BAD}
    written = [line for path in report.rejects_folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert len(written) == len(set(written)) == BAD
    database = open_database(url)
    with database.read() as connection:
        chunks = list(event_log_reader.stream(connection))
        assert count(connection) == ARTICLES
    database.close()
    assert pl.concat([chunk.events for chunk in chunks])["id"].n_unique() == EVENTS
    assert pl.concat([chunk.slates for chunk in chunks])["id"].n_unique() == SLATES


def kill_and_check(kills: int, database_url: str, tmp_path: Path) -> None:
    draw = random.Random(kills)
    log, rejects = tmp_path / "log.jsonl", tmp_path / "rejects"
    write_log(log)
    for _ in range(kills):
        kill_after(draw.randint(1, max(2, 60 // kills)), draw.uniform(0, 0.02), log, database_url, rejects)
    check_stored_once(log, database_url, rejects)


def test_a_kill_then_once_more_is_once(database_url: str, tmp_path: Path) -> None:
    kill_and_check(1, database_url, tmp_path)


@pytest.mark.soak
def test_fifty_kills_are_once(database_url: str, tmp_path: Path) -> None:
    kill_and_check(50, database_url, tmp_path)


if __name__ == "__main__":
    ingest(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), report=True)
