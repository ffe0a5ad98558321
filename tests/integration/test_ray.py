"""Work on a Ray cluster of this machine gives what this process gives, also if a worker dies."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from recsys.errors import ConfigError, DataError, WorkerError
from recsys.evaluation.run_evaluation import ComparedSystems, EncodedArticles, TimeWindow, replay_window
from recsys.evaluation.systems import rankers_of, systems
from recsys.executors import ray_cluster
from recsys.executors.ray_cluster import connected
from recsys.executors.ray_pool import RayPool
from recsys.executors.worker_pool import mapped
from recsys.models.model_loader import load_bundle
from recsys.projection.replay_segments import ReplayWorkers
from recsys.projection.vector_table import ensure_vectors
from recsys.store import articles
from tests.integration.test_replay_segments import SPAN, flat
from tests.ray_work import die_once, fail, hang, square
from tests.trained import HashEncoder, Place


@pytest.fixture(scope="module")
def ray() -> Iterator[str]:
    """Address of a cluster of two processors."""
    with connected(ray_cluster.LOCAL, 2):
        yield ray_cluster.LOCAL


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


def test_a_piece_whose_worker_was_killed_is_done_again_and_counts_once(ray: str, tmp_path: Path) -> None:
    steps: list[int] = []
    pool = RayPool(partial(die_once, tmp_path), ray)
    assert list(mapped(pool, range(6), steps.append)) == [piece * piece for piece in range(6)]
    assert (tmp_path / "3").exists() and steps[-1] == 6


def test_an_error_of_the_work_is_raised_as_it_is(ray: str) -> None:
    with pytest.raises(DataError, match="^piece 0 is wrong$"):
        list(mapped(RayPool(fail, ray), range(3)))


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
