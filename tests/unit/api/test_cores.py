"""Sharing the processor with whatever else runs."""

import os
import subprocess
import sys

import pytest

import api.cli
from api.cli.openmp import share_cores


def test_waiting_threads_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    share_cores()
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


def test_the_environment_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    share_cores()
    assert os.environ["OMP_WAIT_POLICY"] == "active"


def test_waiting_threads_sleep_in_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    seen: list[str | None] = []
    monkeypatch.setattr(api.cli, "app", lambda: seen.append(os.environ.get("OMP_WAIT_POLICY")))
    api.cli.main()
    assert seen == ["passive"]


def test_nothing_that_starts_threads_is_loaded_before_a_command_runs() -> None:
    """OpenMP reads its environment when it is loaded."""
    code = "import sys, api.cli; print(sorted({'torch', 'lightgbm'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
