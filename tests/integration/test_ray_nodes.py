"""A node of a Ray cluster is killed in the middle of a replay, and of an embedding: the result is the same.

Each job is a process of its own, because Ray reads once in a process how a cluster knows its callers.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.trained import Place

pytestmark = pytest.mark.soak


def done(kind: str, folder: Path, source: str) -> None:
    command = [sys.executable, "-m", "tests.ray_nodes_job", kind, str(folder), source]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3_000:]


@pytest.mark.xdist_group("ray nodes")
def test_a_replay_outlives_the_death_of_a_node(trained: Place, tmp_path: Path) -> None:
    done("replay", tmp_path, trained.settings.database_url)


@pytest.mark.xdist_group("ray nodes")
def test_an_embedding_outlives_the_death_of_a_node(tmp_path: Path, tiny_encoder: Path) -> None:
    done("embedding", tmp_path, str(tiny_encoder))
