"""Chromium or Chrome without a window, as an installed program."""

import os
import shutil
import subprocess
from pathlib import Path

from recsys.errors import ConfigError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE = 120.0
"""Seconds that the browser may take."""


def require_browser(option: str) -> str:
    """Return the path of Chromium or Chrome, which `option` needs.

    Raises:
        ConfigError: there is none.
    """
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        raise ConfigError(f"{option} needs Chromium or Chrome: install the package 'chromium', or omit {option}")
    return found


def run_headless(browser: str, *options: str) -> None:
    """Run the browser once, until it ends by itself."""
    # a sandbox needs rights that root in a container does not have
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    subprocess.run(  # noqa: S603 - a browser that is installed, with options of Attune
        [browser, *sandbox, "--headless", *options], timeout=_PATIENCE, check=False, capture_output=True
    )


def print_page(browser: str, page: Path, pdf: Path) -> bool:
    """Print an HTML file to a PDF file; return False if the browser wrote none."""
    pdf.unlink(missing_ok=True)
    run_headless(browser, "--no-pdf-header-footer", f"--print-to-pdf={pdf.resolve()}", page.resolve().as_uri())
    return pdf.is_file()
