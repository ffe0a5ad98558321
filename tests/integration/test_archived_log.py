"""A small world whose older half is archived: what is learned, measured and answered is the same, to the bit."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import api.app
from api.app import create_app
from api.application.iso_time import to_iso
from api.application.log_archiving import verify_archive
from api.application.reader_data import erase_reader, export_reader
from recsys.domain import DAY, FeedRequest, Ranking, RankRequest
from recsys.evaluation.off_policy.counterfactual import counterfactual
from recsys.evaluation.off_policy.feed_replay import Target
from recsys.evaluation.run_evaluation import TimeWindow, choose_window, evaluate
from recsys.feed.point_in_time import engine_at
from recsys.models.bundle import active_version
from recsys.models.model_loader import load_bundle
from recsys.store import log_archive
from recsys.store.database import Database, opened
from tests.application import application
from tests.archived import answer, archive, are_equal, chunks, rows_in_sql
from tests.trained import HashEncoder, Place, last_day, populated, train_quickly, world

FILE_ROWS = 100


def middle() -> int:
    return int(world().slates["at"].median())  # type: ignore[arg-type]


@pytest.fixture
def half(database_url: str, tmp_path: Path) -> Place:
    """The same world, half of it archived."""
    made = populated(tmp_path / "half", url=database_url)
    database = made.open()
    whole = rows_in_sql(database)
    archive(database, tmp_path / "archive", middle(), FILE_ROWS)
    assert rows_in_sql(database) < 0.8 * whole
    database.close()
    return made


def silent(*_: object) -> None:
    pass


def files_of(bundle: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in bundle.iterdir() if path.name != "manifest.json"}
    assert found
    return found


def figures(where: Place) -> dict[str, Any]:
    """Everything that is measured with the bundle of a place, as JSON without times of this machine."""
    database, encoder = where.open(), HashEncoder()
    system = load_bundle(where.home, encoder.name)
    window = choose_window(database, system, None, None, in_sample=False)
    evaluated = evaluate(database, encoder, system, window, silent)
    target = Target(system, where.settings.model_copy(update={"explore": 0.3}), encoder)
    estimated = counterfactual(database, target, TimeWindow(middle() - DAY, last_day() + DAY), silent)
    database.close()
    return json.loads(json.dumps({**evaluated, "seconds": 0, "counterfactual": estimated}))


def answers(where: Place) -> list[Ranking]:
    """Feeds and rankings of a fresh process, before and after the middle."""
    database, found = where.open(), []
    ids = tuple(world().articles["id"].to_list())
    for at in (middle() - DAY // 2, last_day() + DAY):
        engine = engine_at(database, where.settings, HashEncoder(), at)
        for reader in ["nobody", *world().readers.ids[:12].tolist()]:
            found.append(engine.rank(RankRequest(request_id="r", as_of=at, candidates=ids, reader=reader)))
            request = FeedRequest(request_id=f"f{reader}", as_of=at, reader=reader, limit=30, explore=0.3)
            found.append(engine.recommend(request).ranking)
    database.close()
    return found


@pytest.fixture(scope="module")
def without_archive(trained: Place) -> tuple[dict[str, Any], list[Ranking]]:
    """Figures and answers of the world without an archive."""
    return figures(trained), answers(trained)


def test_training_evaluation_and_feeds_are_the_same(
    trained: Place, without_archive: tuple[dict[str, Any], list[Ranking]], half: Place
) -> None:
    again = train_quickly(half, HashEncoder(), until=last_day())
    assert files_of(again.path) == files_of(trained.home / "bundles" / str(active_version(trained.home)))
    shutil.rmtree(half.home / "bundles")
    shutil.copytree(trained.home / "bundles", half.home / "bundles")  # figures and answers name the version
    assert (figures(half), answers(half)) == without_archive


def test_streams_and_exports_are_the_same(trained: Place, half: Place) -> None:
    one, other, rows = trained.open(), half.open(), 0
    for batch_rows in (50, 1_000, 50_000):
        assert are_equal(chunks(one, batch_rows=batch_rows), chunks(other, batch_rows=batch_rows))
    for reader in world().readers.ids[:10].tolist():
        exports = [export_reader(application(each), reader, reader) for each in (one, other)]
        assert exports[0].tables == exports[1].tables
        rows += len(exports[0].tables["events"])
    assert rows > 0
    one.close()
    other.close()


def test_erasure_counts_the_same_rows_and_leaves_no_text_of_the_reader(
    trained: Place, half: Place, tmp_path: Path
) -> None:
    copied = trained.copy(tmp_path / "copy")
    one, other, reader = copied.open(), half.open(), world().readers.ids[3]
    receipts = [erase_reader(application(d, tmp_path), reader, "cli").receipt for d in (one, other)]
    assert receipts[0].counts == receipts[1].counts
    assert receipts[1].counts["events"] > 0
    assert are_equal(chunks(one), chunks(other))
    for file in answer(other, log_archive.all_files):
        assert reader not in log_archive.read(file)["reader"].to_list()
        assert reader.encode() not in Path(file.path).read_bytes()
    assert not answer(other, log_archive.leftovers)
    one.close()
    other.close()


def test_a_running_service_answers_with_the_archive_and_erases_from_it(
    half: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
    database, reader = half.open(), world().readers.ids[3]
    with TestClient(create_app(half.settings)) as client:
        archive(database, tmp_path / "archive", last_day(), FILE_ROWS)  # more, while it serves
        assert len(client.get(f"/v1/feed/{reader}").json()["items"]) > 5
        old = {"reader": "r", "article": "a", "kind": "click", "at": to_iso(last_day() - 1)}
        answered = client.post("/v1/events", json={"events": [old]}).json()
        assert answered["rejected"][0]["reason"] == "at: in the archived part of the log"
        receipt = client.delete(f"/v1/readers/{reader}").raise_for_status().json()
        assert receipt["counts"]["events"] > 0
        assert client.get(f"/v1/readers/{reader}/export").json()["tables"]["events"] == []
    verified = verify_archive(application(database))
    assert verified.files > 3
    assert (list(verified.errors), verified.leftovers) == ([], 0)
    database.close()


_RUN = """
import sys
from recsys.store import log_archiver
from recsys.store.database import open_database
for _ in log_archiver.archive(open_database(sys.argv[1]), sys.argv[2], int(sys.argv[3]), 40):
    print("moved", flush=True)
"""


def test_a_process_that_is_killed_again_and_again_ends_with_every_row_once(
    database_url: str, tmp_path: Path
) -> None:
    draw = random.Random(3)
    made = populated(tmp_path / "half", url=database_url)
    kills = 0
    with opened(made.settings.database_url) as database:
        before = chunks(database)
        while (status := _run_and_kill(database, tmp_path / "archive", draw)) != 0:
            assert status == -signal.SIGKILL
            kills += 1
            assert are_equal(chunks(database), before)
        assert kills > 2
        assert are_equal(chunks(database), before)
        recorded = {file.path for file in answer(database, log_archive.all_files)}
        assert {str(path) for path in (tmp_path / "archive").rglob("*.parquet")} == recorded


def _run_and_kill(database: Database, folder: Path, draw: random.Random) -> int:
    """Archive in another process, which is killed during its second to sixth file; return its exit status."""
    command = [sys.executable, "-c", _RUN, database.url, str(folder), str(middle())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if all(process.stdout.readline() for _ in range(draw.randint(1, 5))):
            time.sleep(draw.uniform(0.0, 0.03))
        process.kill()
        return process.wait()
