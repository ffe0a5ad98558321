"""A node of a Ray cluster is killed in the middle of a replay, and of an embedding: the result is the same."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ray_nodes import Node, cluster, wait_for, wait_for_port
from recsys.encoder.article_text import article_texts
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.spread_encoding import PartWork
from recsys.executors.ray_cluster import connected
from recsys.executors.ray_pool import RayPool
from recsys.executors.worker_pool import mapped
from recsys.projection.replay_segments import ReplayedSegment, WorkerSegments
from tests.integration.test_replay_segments import flat, job, window_of
from tests.ray_work import Marked
from tests.trained import Place, quick_settings, world

pytestmark = pytest.mark.soak
PORT = 6397


@dataclass
class Nodes:
    """A cluster of two nodes with a core each."""

    ray: Any
    start: Callable[[], Node]
    second: Node

    def whole(self) -> None:
        """Wait until there are two nodes; start one if it was killed."""
        if self.second.killed:
            self.second = self.start()
        wait_for(self.ray, 2)

    def kill_second_when_busy(self, folder: Path) -> threading.Thread:
        """Kill the second node when a piece has begun on it; `folder` has the marks of the work."""
        (here,) = (
            node for node in self.ray.nodes() if node["NodeID"] == self.ray.get_runtime_context().get_node_id()
        )

        def kill() -> None:
            while all(mark.name.startswith(here["NodeID"]) for mark in folder.iterdir()):
                time.sleep(0.01)
            self.second.kill()

        thread = threading.Thread(target=kill)
        thread.start()
        return thread


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    if "ray" in sys.modules and os.environ.get("RAY_AUTH_MODE") != "token":
        pytest.skip("Ray was imported before, without the settings of a cluster with a token")
    with cluster(PORT) as start:
        start()
        wait_for_port(PORT)
        with connected(f"127.0.0.1:{PORT}") as ray:
            yield Nodes(ray, start, start())


def begun_twice(folder: Path) -> int:
    """Number of pieces that began more than once."""
    pieces = [mark.name.split("-")[1] for mark in folder.iterdir()]
    return len(pieces) - len(set(pieces))


def test_a_replay_outlives_the_death_of_a_node(nodes: Nodes, trained: Place, tmp_path: Path) -> None:
    nodes.whole()
    database = trained.open()
    with job(database) as whole:
        expected = flat(window_of(whole, whole.pass_over(whole.window)))
    killing = nodes.kill_second_when_busy(tmp_path)
    with job(database) as here:
        pool = RayPool(Marked(ReplayedSegment(here.window), tmp_path), f"127.0.0.1:{PORT}")
        with WorkerSegments(here.log, here.window, lambda _: None, pool, here.requests.height) as replayed:
            replayed.replay(here.requests)
            parts = replayed.results()
        assert flat(window_of(here, parts)) == expected and len(parts) == 4
    killing.join()
    database.close()
    wait_for(nodes.ray, 1)
    assert begun_twice(tmp_path) > 0


def test_an_embedding_outlives_the_death_of_a_node(nodes: Nodes, tmp_path: Path, tiny_encoder: Path) -> None:
    nodes.whole()
    settings, texts = quick_settings(tiny_encoder), article_texts(world().articles)
    parts, encoder = [texts[first : first + 25] for first in range(0, len(texts), 25)], LazyEncoder(settings)
    expected = [encoder.encode(part).vectors[encoder.name].tobytes() for part in parts]
    killing = nodes.kill_second_when_busy(tmp_path)
    pool = RayPool(Marked(PartWork(settings, None), tmp_path), f"127.0.0.1:{PORT}")
    found = [part.encoded.vectors[encoder.name].tobytes() for part in mapped(pool, parts)]
    killing.join()
    assert found == expected and len(found) == 6
    wait_for(nodes.ray, 1)
    assert begun_twice(tmp_path) > 0
