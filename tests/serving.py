"""`attune serve` as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.trained import Place

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0


def environment(of: Place) -> dict[str, str]:
    """Settings for a process that works in `of`."""
    chosen = {
        "DATABASE_URL": of.settings.database_url,
        "DATABASE_PATIENCE": str(of.settings.database_patience),
        "HOME": str(of.home),
        "ENCODER": of.settings.encoder,
        "INDEX": "exact",
        "DEVICE": "cpu",
    }
    return {**os.environ, **{f"ATTUNE_{name}": value for name, value in chosen.items()}, "PYTHONPATH": str(ROOT)}


class Server:
    """`attune serve`, or another `command` that serves, on a port of its own; it can be killed and restarted."""

    def __init__(self, of: Place, *options: str, command: Sequence[str] = ("serve",)) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.seconds = 0.0
        self.process: subprocess.Popen[bytes]
        self._of, self._options, self._command = of, options, command
        self._log = of.home / "server.log"

    def start(self) -> None:
        """Start it and wait until it serves; `seconds` is how long that took since the process ran."""
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", *self._command, "--port", str(self.port), *self._options],
                cwd=self._of.home,
                env=environment(self._of),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        began = time.monotonic()
        with httpx.Client(base_url=self.address, timeout=60) as client:
            wait_until(client, self.process, self._log, "/healthz")
        self.seconds = time.monotonic() - began

    def wait_until_ready(self, client: httpx.Client) -> None:
        wait_until(client, self.process, self._log, "/readyz")

    def stop(self) -> None:
        """End it as an operator would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


@contextmanager
def served(of: Place, *options: str) -> Iterator[httpx.Client]:
    """A client of a server that is ready; it ends as an operator would end it."""
    server = Server(of, *options)
    server.start()
    try:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            server.wait_until_ready(client)
            yield client
    finally:
        server.stop()


def wait_until(client: httpx.Client, process: subprocess.Popen[bytes], log: Path, path: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get(path).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the server did not get ready:\n{log.read_text()}")
