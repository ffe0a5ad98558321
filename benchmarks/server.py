"""`attune serve` as a separate process on this machine."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from recsys.settings import Settings

_PATIENCE = 120.0


class Server:
    """Server on a free port; it can be killed and started again.

    Attributes:
        seconds: time from the start of the process to its first feed.
    """

    def __init__(self, settings: Settings, workers: int = 1) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.address = f"http://127.0.0.1:{self.port}"
        self.seconds = 0.0
        self._settings = settings
        self._workers = workers
        self._process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start it, and wait for its first feed.

        Raises:
            SystemExit: it does not start; its log is in the home of the settings.
        """
        variables = {
            "ATTUNE_DATABASE_URL": self._settings.database_url,
            "ATTUNE_HOME": str(self._settings.home),
            "ATTUNE_SHARD": self._settings.shard,
            "ATTUNE_COLLECT_RATE_LIMIT": "",  # all clients of a benchmark have one address
        }
        started = time.monotonic()
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "serve", *self._options()],
                env={**os.environ, **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        while time.monotonic() - started < _PATIENCE and self._process.poll() is None:
            try:
                httpx.get(f"{self.address}/v1/feed/r00001", timeout=60).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                self.seconds = time.monotonic() - started
                return
        self._process.kill()
        raise SystemExit(f"the server did not start: see {self._log}")

    def stop(self) -> None:
        """Stop it like an operator."""
        self._process.terminate()
        self._process.wait(_PATIENCE)

    def kill(self) -> None:
        """Kill it and its child processes."""
        for process in self._processes():
            process.kill()
        self._process.wait(_PATIENCE)

    def cpu_seconds(self) -> float:
        """Return the user and system time of all its processes so far."""
        times = [process.cpu_times() for process in self._processes()]
        return float(sum(each.user + each.system for each in times))

    @property
    def _log(self) -> Path:
        return self._settings.home / "server.log"

    def _options(self) -> list[str]:
        return ["--port", str(self.port), "--workers", str(self._workers)]

    def _processes(self) -> list[psutil.Process]:
        first = psutil.Process(self._process.pid)
        return [first, *first.children(recursive=True)]


@contextmanager
def served(settings: Settings, workers: int) -> Iterator[Server]:
    """Yield a running server, and stop it at the end."""
    server = Server(settings, workers)
    server.start()
    try:
        yield server
    finally:
        server.stop()
