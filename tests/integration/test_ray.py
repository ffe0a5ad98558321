"""Work on a Ray cluster of this machine gives what this process gives, also if a worker dies."""

import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.spread_encoding import SpreadEncoder, encoder_of
from recsys.errors import ConfigError, DataError
from recsys.evaluation.run_evaluation import ComparedSystems, EncodedArticles, TimeWindow, replay_window
from recsys.evaluation.systems import rankers_of, systems
from recsys.executors.ray_cluster import LOCAL, connected
from recsys.executors.ray_pool import RayPool
from recsys.executors.worker_pool import mapped
from recsys.models.calibrator_io import article_encoder
from recsys.models.model_loader import load_bundle
from recsys.projection import vector_table
from recsys.projection.log_replay import Replay
from recsys.projection.replay_segments import ReplayWorkers, segments
from recsys.projection.vector_table import ensure_vectors
from recsys.store import articles
from recsys.store.database import open_database
from recsys.store.tables import article_attention, article_vectors
from recsys.training.training_run import silent
from recsys.training.tuning import JOURNAL, TuningPlan, tuned
from tests.calibrated import eager
from tests.integration.test_replay_segments import SPAN, flat
from tests.migrated import sqlite_url
from tests.ray_work import die_once, fail, hang, square
from tests.tiny_encoder import write_tiny
from tests.trained import HashEncoder, Place, populated, quick_settings, train_quickly, world
from tests.unit.calibration.observations import HEADS, LAYERS
from tests.unit.training.test_tuning import CONFIG, UNTIL, slates


@pytest.fixture(scope="module")
def ray() -> Iterator[str]:
    """Address of a cluster of one processor: each worker needs seconds of CPU to start."""
    with connected(LOCAL, 1):
        yield LOCAL


def test_segments_replayed_by_ray_score_as_one_pass_does(trained: Place, ray: str) -> None:
    database, encoder = trained.open(), HashEncoder()
    system = load_bundle(trained.home, encoder.name)
    with database.read() as connection:
        known, _ = articles.upserted_since(connection, 0)
    encoded = EncodedArticles(known, ensure_vectors(database, encoder, known))
    compared = ComparedSystems(system, systems(rankers_of(system)))
    done: list[int] = []
    one, two = (
        replay_window(database, encoded, compared, TimeWindow(*SPAN), progress, workers)
        for workers, progress in (
            (ReplayWorkers(), lambda *_: None),
            (ReplayWorkers(2, 1, ray), lambda _, number, __: done.append(number)),
        )
    )
    database.close()
    assert done[-1] == len(one.scores) and sorted(done) == done
    for part in ("scores", "clicks", "perturbed", "damaged"):
        assert flat(getattr(two, part)) == flat(getattr(one, part))


def test_an_error_of_the_work_is_raised_as_it_is(ray: str) -> None:
    with pytest.raises(DataError, match=r"^piece 0 is wrong$"):
        list(mapped(RayPool(fail, ray), range(3)))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an encoder whose attention the small calibrator can judge."""
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny", LAYERS, HEADS, hidden=24)


@pytest.mark.parametrize("flag_rate", [1.0, 0.01], ids=["calibrated", "flood"])
@pytest.mark.soak
def test_articles_encoded_by_ray_have_the_vectors_of_one_process(
    ray: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path, flag_rate: float
) -> None:
    monkeypatch.setattr(vector_table, "CHUNK", 25)
    settings = quick_settings(model)
    calibration = eager(flag_rate=flag_rate)
    spread = encoder_of(settings.model_copy(update={"ray": ray}))
    assert isinstance(spread, SpreadEncoder)
    stored = []
    for raw in (LazyEncoder(settings), spread):
        folder = tmp_path / type(raw).__name__
        folder.mkdir()
        database, encoder = open_database(sqlite_url(folder)), article_encoder(raw, calibration)
        vectors = ensure_vectors(database, encoder, world().articles)
        with database.read() as connection:
            rows = [
                tuple(connection.execute(sa.select(kept)).all()) for kept in (article_vectors, article_attention)
            ]
        database.close()
        stored.append((vectors.tobytes(), encoder.name, rows))
    assert stored[0] == stored[1]
    assert ("+" in encoder.name) == (flag_rate == 1.0)
    assert spread._loaded is None, "workers encode all, also without calibration after a flood"


def test_other_machines_are_refused_where_the_log_is_a_file_of_this_one(
    ray: str, trained: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    database = trained.open()
    with database.read() as connection, Replay(connection) as log:
        replay = segments(log, hang, lambda _: None, ReplayWorkers(2, 1, ray), 10)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="cannot read a SQLite file: move it to PostgreSQL"), replay:
            pass
    database.close()


@pytest.mark.soak
def test_folds_of_a_trial_done_at_once_have_the_scores_of_one_after_the_other(ray: str, tmp_path: Path) -> None:
    found = []
    for address in (None, ray):
        home = tmp_path / str(address)
        home.mkdir()
        tuned(slates(4), TuningPlan(UNTIL, 2, home, address), replace(CONFIG, threads=2), silent)
        storage = JournalStorage(JournalFileBackend(str(home / JOURNAL)))
        (study,) = storage.get_all_studies()
        trials = storage.get_all_trials(study._study_id)
        found.append([(trial.params, trial.intermediate_values, trial.value) for trial in trials])
    assert found[0] == found[1] and len(found[0]) == 2


def test_a_piece_whose_worker_was_killed_is_done_again_and_counts_once(ray: str, tmp_path: Path) -> None:
    steps: list[int] = []
    pool = RayPool(partial(die_once, tmp_path), ray)
    assert list(mapped(pool, range(6), steps.append)) == [piece * piece for piece in range(6)]
    assert (tmp_path / "3").exists() and steps[-1] == 6


def test_an_interrupt_ends_the_pieces_and_leaves_no_file(ray: str, tmp_path: Path) -> None:
    def stop(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    pool = RayPool(partial(hang, tmp_path), ray)
    with pytest.raises(KeyboardInterrupt):
        list(mapped(pool, [0], stop))
    assert not pool.folder.exists()
    worker = int((tmp_path / "worker").read_text())
    for _ in range(100):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            break
        signal.sigtimedwait([], 0.1)
    else:
        pytest.fail("the worker still runs")
    assert list(mapped(RayPool(square, ray), [2])) == [4]


@pytest.mark.soak
def test_a_training_on_ray_publishes_the_files_of_one_without(
    ray: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path
) -> None:
    monkeypatch.setattr(vector_table, "CHUNK", 40)
    found = []
    for chosen in ({}, {"ray": ray, "replay_workers": 2}):
        where = populated(tmp_path / str(len(chosen)), like=quick_settings(tiny_encoder).model_copy(update=chosen))
        bundle = train_quickly(where, encoder_of(where.settings))
        files = {file.name: file.read_bytes() for file in bundle.path.iterdir() if file.name != "manifest.json"}
        kept = {name: value for name, value in bundle.manifest.items() if name not in ("profile", "version")}
        found.append((files, kept))
    assert found[0] == found[1] and len(found[0][0]) > 5
