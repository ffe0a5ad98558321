"""A Chromium as readers have it: tabs hide each other, lose the focus, and go to the back/forward cache."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--no-first-run", "--remote-debugging-port=0", "--window-size=1000,800")
PATIENCE = 60.0


def executable() -> str:
    """Its path. Without a Chromium the test is skipped, unless ATTUNE_TEST_BROWSER is `required`."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("ATTUNE_TEST_BROWSER") == "required":
        pytest.fail(f"no browser: install one of {', '.join(NAMES)}, on Debian with 'apt-get install chromium'")
    if found is None:
        pytest.skip(f"no browser on this machine (looked for {', '.join(NAMES)})")
    return found


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    """Its only profile."""
    found = executable()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [found, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with sync_playwright() as playwright:
                # without Playwright's defaults: they make every page visible and focused at all times
                address = f"http://127.0.0.1:{_port(Path(profile), process)}"
                context = playwright.chromium.connect_over_cdp(address, no_defaults=True).contexts[0]
                context.set_default_timeout(15_000)
                yield context
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _port(profile: Path, process: "subprocess.Popen[bytes]") -> int:
    path = profile / "DevToolsActivePort"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if path.is_file() and "\n" in (text := path.read_text()):
            return int(text.splitlines()[0])
        time.sleep(0.02)
    raise AssertionError("Chromium did not start")
