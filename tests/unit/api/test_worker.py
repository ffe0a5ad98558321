"""A worker process of `attune serve`, before it serves."""

from pathlib import Path

import pytest

from api import worker


def test_names_that_set_nothing_are_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("api.http.logging_setup.configure", lambda _: None)  # it would take the log from the test
    monkeypatch.setenv("ATTUNE_RATELIMIT", "1/minute")
    worker.make()
    assert "ATTUNE_RATELIMIT is set, but there is no such setting" in caplog.text
