"""Screenshot of the reader page of the demo, by Chromium without a window."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from api.cli.chromium import run_headless
from recsys.errors import ConfigError
from recsys.settings import Settings

_WINDOW = "1200,1400"
_DRAWING = "6000"
"""Milliseconds of page time until the picture is taken."""

_PATIENCE = 120.0
"""Seconds that the service may take to start."""


def save_screenshot(browser: str, settings: Settings, reader: str, file: Path) -> None:
    """Serve the demo for a moment, and write a PNG of the page of `reader` to `file`.

    Raises:
        ConfigError: the service does not start, or the browser writes no picture.
    """
    with _served(settings) as address:
        page = [f"--screenshot={file.resolve()}", f"--window-size={_WINDOW}", f"{address}/?reader={reader}"]
        run_headless(browser, "--hide-scrollbars", f"--virtual-time-budget={_DRAWING}", *page)
    if not file.exists():
        raise ConfigError(f"{browser} wrote no picture: open the page in a browser, or omit --shot")


@contextmanager
def _served(settings: Settings) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    where = ["--database-url", settings.database_url, "--home", str(settings.home)]
    command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port), *where]
    service = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait_until_ready(service, address)
        yield address
    finally:
        service.terminate()
        service.wait(_PATIENCE)


def _wait_until_ready(service: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and service.poll() is None:
        try:
            if httpx.get(f"{address}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:  # it does not listen yet
            pass
        time.sleep(0.2)
    raise ConfigError("the service of the screenshot does not start: run `attune serve` to see why")
