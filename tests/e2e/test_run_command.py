"""`attune run` as operators meet it: one process tree that heals, and ends as a whole."""

import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from tests.serving import PATIENCE, Server, environment, wait_until
from tests.trained import place

pytestmark = pytest.mark.xdist_group("served")


def test_a_killed_service_comes_back_and_sigterm_ends_all_parts(tmp_path: Path) -> None:
    server = Server(place(tmp_path), command=("run", "--train", "0 4 * * *"))
    server.start()
    children = psutil.Process(server.process.pid).children()
    assert sorted(each.cmdline()[3] for each in children) == ["poll", "serve", "webhooks"]
    (service,) = (each for each in children if each.cmdline()[3] == "serve")
    service.kill()
    psutil.wait_procs([service], PATIENCE)
    with httpx.Client(base_url=server.address) as client:
        wait_until(client, server.process, tmp_path / "server.log", "/healthz")
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert children
    server.stop()
    assert server.process.returncode == 0
    assert not [each for each in children if each.is_running()]
    log = (tmp_path / "server.log").read_text()
    assert "training: next at" in log
    assert "service: ended by signal 9" in log


def test_a_service_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "run", "--host", "0.0.0.0"],
        cwd=tmp_path,
        env=environment(place(tmp_path)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "`attune keys create`" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("attune: the service cannot start")
