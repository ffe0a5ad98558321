"""Embedding and replay on a Ray cluster of one node and of two, each limited to one core of this machine.

    python -m benchmarks.ray_nodes [--database-url postgresql+psycopg://…] [--articles 8192] [--kill]

A simulated newsroom is stored in the database, which must be empty. Nodes are pinned to a core each (`taskset`);
this process, which folds the log and stores vectors, and the database are not. Vectors and scores must be equal to
those of this process alone. Start-up of the workers is part of the time.
"""

import argparse
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from benchmarks.newsroom import room, stored
from benchmarks.replay import RandomEncoder
from recsys.cpu_threads import cpu_threads
from recsys.encoder.article_text import article_texts
from recsys.encoder.spread_encoding import encoder_of
from recsys.evaluation.behaviour.damaged_headlines import DamagedArticles
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.evaluation.run_evaluation import WindowPart, WindowWork
from recsys.evaluation.systems import FULL_SYSTEM, systems
from recsys.executors.ray_cluster import connected
from recsys.models.model_set import Models
from recsys.projection.log_replay import Replay
from recsys.projection.replay_segments import ReplayWorkers, segments
from recsys.projection.vector_table import align_vectors, ensure_vectors
from recsys.ranking.ranker import HeuristicRanker
from recsys.settings import Settings, load_settings
from recsys.simulate.world import simulate
from recsys.store import articles
from recsys.store.database import Database
from recsys.store.event_log_reader import slate_span
from recsys.store.tables import article_vectors

GOAL = 0.8
_STARTED = 60.0
"""Seconds in which a node must be there."""


class Node:
    """Node of a cluster.

    Args:
        process: the process of `ray start`.

    Attributes:
        killed: True once `kill` was called.
    """

    def __init__(self, process: psutil.Process) -> None:
        self.killed = False
        self.process = process
        self._ended: dict[psutil.Process, float] = {}

    def cpu_seconds(self) -> float:
        """Return the CPU time of its processes so far, also of those that ended since the last call."""
        for each in [*self.process.children(recursive=True), self.process]:
            with suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                self._ended[each] = times.user + times.system
        return sum(self._ended.values())

    def kill(self) -> None:
        """Kill all processes of the node at once, as the loss of a machine does."""
        self.killed = True
        for each in [*self.process.children(recursive=True), self.process]:
            with suppress(psutil.NoSuchProcess):
                each.kill()


@contextmanager
def cluster(port: int) -> Iterator[Callable[[int | None], Node]]:
    """Yield a function that starts a node of one processor, on the core given; the first is the head.

    The address is 127.0.0.1:`port`. The environment of this process gets the token of the cluster, and keeps it:
    Ray reads it once.
    """
    token = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # Ray lets its workers give way to all others: 15
    }
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        for name, value in token.items():
            os.environ.setdefault(name, value)
        nodes: list[Node] = []

        def start(core: int | None = None) -> Node:
            pinned = [] if core is None else ["taskset", "--cpu-list", str(core)]
            ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus", "1"]
            place = ["--address", f"127.0.0.1:{port}"]
            head = ["--head", "--port", str(port), "--temp-dir", f"{folder}/ray", "--include-dashboard", "false"]
            command = [*pinned, *ray, *(place if nodes else head), "--object-store-memory", str(512 * 1_024**2)]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            node = Node(psutil.Process(process.pid))
            nodes.append(node)
            stack.callback(_end, node, process)
            return node

        yield start


def _end(node: Node, process: "subprocess.Popen[bytes]") -> None:
    node.kill()
    process.wait()


def wait_for_port(port: int) -> None:
    """Wait until a head listens at a port of this machine."""
    end = time.monotonic() + _STARTED
    while time.monotonic() < end:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.1)
    raise TimeoutError(f"no head listens at port {port}")


def wait_for(ray: Any, nodes: int) -> None:
    """Wait until the cluster has so many living nodes."""
    end = time.monotonic() + _STARTED
    while sum(node["Alive"] for node in ray.nodes()) != nodes:
        if time.monotonic() > end:
            raise TimeoutError(f"the cluster does not have {nodes} nodes")
        time.sleep(0.1)


def embed(database: Database, settings: Settings) -> bytes:
    """Encode all articles, none of which has a vector of this encoder; return the vectors."""
    with database.read() as connection:
        catalogue, _ = articles.upserted_since(connection, 0)
    with database.write() as connection:
        connection.execute(sa.delete(article_vectors))
    return ensure_vectors(database, encoder_of(settings), catalogue).tobytes()


def replay_of(database: Database) -> Callable[[ReplayWorkers], bytes]:
    """Label all impressions; return a function that scores them with seven systems on random vectors."""
    with database.read() as connection:
        catalogue, _ = articles.upserted_since(connection, 0)
        first, last = slate_span(connection) or (0, 0)
        requests = load_labelled_requests(connection, first, last + 1, catalogue, last + 1)
    raw = RandomEncoder().encode(article_texts(catalogue)).vectors[RandomEncoder.name]
    table = systems({FULL_SYSTEM: HeuristicRanker()})

    def replay(workers: ReplayWorkers) -> bytes:
        with database.read() as connection, cpu_threads(1), Replay(connection) as log:
            vectors = align_vectors(log.state, catalogue, raw)
            work = WindowWork(vectors, Models.untrained(), table, DamagedArticles.none(), requests.height)
            with segments(log, work, lambda _: None, workers, requests.height) as replayed:
                replayed.replay(requests)
                parts: list[WindowPart] = replayed.results()
        return b"".join(part.scores.scores[name].tobytes() for name in sorted(table) for part in parts)

    return replay


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall time, and CPU time of all nodes, in seconds."""

    wall: float
    cpu: float


def measured(work: Callable[[], bytes], nodes: Sequence[Node], expected: bytes | None) -> tuple[bytes, Cost]:
    """Run `work` once; check its result against the one `expected`."""
    before, started = sum(node.cpu_seconds() for node in nodes), time.perf_counter()
    found = work()
    cost = Cost(time.perf_counter() - started, sum(node.cpu_seconds() for node in nodes) - before)
    if expected not in (None, found):
        raise SystemExit("the result differs from that of one process")
    return found, cost


def main() -> None:
    """Print the costs and the efficiency of two nodes."""
    parser = argparse.ArgumentParser(description="embedding and replay on one node and on two")
    parser.add_argument("--database-url", help="of an empty database; default: SQLite in a temporary folder")
    parser.add_argument("--articles", type=int, default=8_192)
    parser.add_argument("--readers", type=int, default=600)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--port", type=int, default=6399)
    parser.add_argument("--kill", action="store_true", help="also kill a node in the middle of each")
    given = parser.parse_args()
    address = f"127.0.0.1:{given.port}"
    world = simulate(readers=given.readers, articles=given.articles, days=given.days)
    alone = load_settings(device="cpu")
    spread = alone.model_copy(update={"ray": address})
    with room(None) as folder, closing(stored(world, url_in(folder, given.database_url))) as database:
        replay = replay_of(database)
        works: dict[str, tuple[Callable[[], bytes], Callable[[], bytes]]] = {
            "embedding": (lambda: embed(database, alone), lambda: embed(database, spread)),
            "replay": (lambda: replay(ReplayWorkers()), lambda: replay(ReplayWorkers(2, 1, address))),
        }
        print(f"{given.articles:,} articles, {world.slates.height:,} impressions, {world.events.height:,} events")
        with cpu_threads(1):
            expected = {name: work() for name, (work, _) in works.items()}
        with cluster(given.port) as start:
            nodes = [start(0)]
            wait_for_port(given.port)
            with connected(address) as ray:
                costs: dict[tuple[str, int], Cost] = {}
                for count in (1, 2):
                    if count > 1:
                        nodes.append(start(1))
                    wait_for(ray, count)
                    for name, (_, work) in works.items():
                        _, costs[name, count] = measured(work, nodes, expected[name])
                        print(
                            f"{name} on {count} node(s): {costs[name, count]}, load {os.getloadavg()[0]}",
                            flush=True,
                        )
                for name in works:
                    report(name, costs[name, 1], costs[name, 2])
                if given.kill:
                    for name, (_, work) in works.items():
                        wait_for(ray, 2)
                        kill_after(costs[name, 2].wall / 2, nodes.pop())
                        _, cost = measured(work, nodes, expected[name])
                        print(f"{name}, a node killed after half the time: the same result in {cost.wall:.1f} s")
                        nodes.append(start(1))


def url_in(folder: Path, url: str | None) -> str:
    """Return `url`, or that of a SQLite file in `folder`."""
    return url or f"sqlite:///{folder}/attune.db"


def kill_after(seconds: float, node: Node) -> None:
    """Kill `node` after so many seconds."""
    threading.Timer(seconds, node.kill).start()


def report(name: str, one: Cost, two: Cost) -> None:
    """Print the figures of one work."""
    print(f"{name:<12}{'wall':>10}{'CPU of the nodes':>20}")
    for count, cost in ((1, one), (2, two)):
        print(f"  {count} node(s){cost.wall:>11.1f} s{cost.cpu:>16.1f} s")
    print(f"  efficiency of two nodes by wall time {one.wall / (2 * two.wall):.2f} (goal {GOAL}), ", end="")
    print(f"CPU of one over two {one.cpu / two.cpu:.2f}")


if __name__ == "__main__":
    main()
