"""Files that commands make with a browser: the PNG of `attune demo --shot`, the PDF of `attune report --pdf`."""

from pathlib import Path

import pytest

from api.cli import chromium, demo_shot
from recsys.errors import ConfigError
from tests.browser.chromium import executable
from tests.trained import populated, quick_settings, world


def test_the_reader_page_is_drawn_into_a_png(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_ENCODER", str(tiny_encoder))
    monkeypatch.setenv("ATTUNE_INDEX", "exact")
    made, file = populated(tmp_path, like=quick_settings(tiny_encoder)), tmp_path / "page.png"
    demo_shot.save_screenshot(executable(), made.settings, world().readers.ids[0], file)
    content = file.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 20_000, "an empty page is smaller"


def test_a_page_is_printed_to_a_pdf_that_replaces_an_older_one(tmp_path: Path) -> None:
    page, file = tmp_path / "a page.html", tmp_path / "page.pdf"
    page.write_text("<!doctype html><title>t</title><p>Text")
    file.write_text("older")
    assert chromium.print_page(executable(), page, file)
    assert file.read_bytes().startswith(b"%PDF")


def test_without_a_browser_the_message_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="install the package 'chromium'"):
        chromium.require_browser("--shot")
