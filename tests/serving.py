"""`attune serve` as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.trained import Place

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0


def environment(of: Place) -> dict[str, str]:
    """Settings for a process that works in `of`."""
    chosen = {"DATABASE_URL": of.settings.database_url, "HOME": str(of.home), "INDEX": "exact", "DEVICE": "cpu"}
    return {**os.environ, **{f"ATTUNE_{name}": value for name, value in chosen.items()}, "PYTHONPATH": str(ROOT)}


@contextmanager
def served(of: Place) -> Iterator[httpx.Client]:
    """A client of a server that is ready; it ends as an operator would end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = of.home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve", "--port", str(port)],
            cwd=of.home,
            env=environment(of),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_until_ready(client, process, log)
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the server did not get ready:\n{log.read_text()}")
