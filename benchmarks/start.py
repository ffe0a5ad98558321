"""Seconds until `attune serve` answers again after kill -9, with a bundle and the vectors stored.

    python -m benchmarks.start [--folder FOLDER] [--readers 5000] [--articles 20000] [--feeds 200] [--kills 5]

Makes a simulated newsroom and a bundle, in `--folder` if given, and then uses it again. Each time some feeds are
asked for before the kill, so that there is something to fold. Goal: 5 s.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.newsroom import furnished
from recsys.settings import Settings

GOAL = 5.0
_PATIENCE = 120.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    for name, default in (("readers", 5_000), ("articles", 20_000), ("days", 4), ("feeds", 200), ("kills", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.folder or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        settings = furnished(folder, options.readers, options.articles, options.days)
        _measure(settings, options.feeds, options.kills)


def _measure(settings: Settings, feeds: int, kills: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    waited: list[float] = []
    print(f"{'':<10}{'seconds':>9}{'CPU':>9}{'load':>9}")
    for kill in range(kills + 1):
        process, seconds = _started(settings, port)
        cpu = _cpu_seconds(process.pid)
        name, load = "restart" if kill else "first", os.getloadavg()[0]
        print(f"{name:<10}{seconds:>9.2f}{cpu:>9.2f}{load:>9.1f}", flush=True)
        waited += [seconds] if kill else []
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for reader in range(feeds):
                client.get(f"/v1/feed/r{reader:05d}").raise_for_status()
        process.send_signal(signal.SIGKILL)
        process.wait()
    print(f"{'goal':<10}{GOAL:>9.2f}: {'met' if max(waited) < GOAL else 'missed'} by the slowest")


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _started(settings: Settings, port: int) -> tuple["subprocess.Popen[bytes]", float]:
    """A server, and how long its first feed took from when it was started."""
    named = {"ATTUNE_DATABASE_URL": settings.database_url, "ATTUNE_HOME": str(settings.home)}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", "--port", str(port)],
        env={**os.environ, **named},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while time.monotonic() - began < _PATIENCE and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/v1/feed/r00001", timeout=60).raise_for_status()
            return process, time.monotonic() - began
        except httpx.TransportError:
            time.sleep(0.05)
    process.kill()
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
