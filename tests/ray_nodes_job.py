"""Job of a test: a replay, or an embedding, on a Ray cluster of two nodes, one of which is killed meanwhile.

    python -m tests.ray_nodes_job replay FOLDER DATABASE_URL
    python -m tests.ray_nodes_job embedding FOLDER ENCODER

FOLDER is empty.
"""

import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ray_nodes import Node, cluster, wait_for, wait_for_port
from recsys.encoder.article_text import article_texts
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.spread_encoding import PartWork
from recsys.executors.ray_cluster import connected
from recsys.executors.ray_pool import RayPool
from recsys.executors.worker_pool import mapped
from recsys.projection.replay_segments import ReplayedSegment, WorkerSegments
from recsys.store.database import opened
from tests.integration.test_replay_segments import flat, job, window_of
from tests.ray_work import Marked
from tests.trained import quick_settings, world


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as opened_here:
        opened_here.bind(("127.0.0.1", 0))
        return int(opened_here.getsockname()[1])


PORT = free_port()


@dataclass
class Nodes:
    """A cluster of two nodes with a core each."""

    ray: Any
    second: Node

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


def begun_twice(folder: Path) -> int:
    """Number of pieces that began more than once."""
    pieces = [mark.name.split("-")[1] for mark in folder.iterdir()]
    return len(pieces) - len(set(pieces))


def replay(nodes: Nodes, folder: Path, url: str) -> None:
    """Compare the replay of some slates with one pass of this process."""
    with opened(url) as database:
        with job(database) as whole:
            expected = flat(window_of(whole, whole.pass_over(whole.window)))
        killing = nodes.kill_second_when_busy(folder)
        with job(database) as here:
            pool = RayPool(Marked(ReplayedSegment(here.window), folder), f"127.0.0.1:{PORT}")
            with WorkerSegments(here.log, here.window, lambda _: None, pool, here.requests.height) as replayed:
                replayed.replay(here.requests)
                parts = replayed.results()
            assert flat(window_of(here, parts)) == expected and len(parts) == 4
        killing.join()


def embedding(nodes: Nodes, folder: Path, model: str) -> None:
    """Compare the vectors of some articles with those of this process."""
    settings, texts = quick_settings(Path(model)), article_texts(world().articles)
    parts, encoder = [texts[first : first + 25] for first in range(0, len(texts), 25)], LazyEncoder(settings)
    expected = [encoder.encode(part).vectors[encoder.name].tobytes() for part in parts]
    killing = nodes.kill_second_when_busy(folder)
    pool = RayPool(Marked(PartWork(settings, None), folder), f"127.0.0.1:{PORT}")
    found = [part.encoded.vectors[encoder.name].tobytes() for part in mapped(pool, parts)]
    killing.join()
    assert found == expected and len(found) == 6


def main() -> None:
    """Do the job; an assertion fails if the result differs, or no piece was done twice."""
    kind, folder, source = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    with cluster(PORT) as start:
        start(None)
        wait_for_port(PORT)
        with connected(f"127.0.0.1:{PORT}") as ray:
            nodes = Nodes(ray, start(None))
            wait_for(ray, 2)
            {"replay": replay, "embedding": embedding}[kind](nodes, folder, source)
            wait_for(ray, 1)
    assert begun_twice(folder) > 0


if __name__ == "__main__":
    main()
