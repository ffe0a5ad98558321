"""The encoding process: started on demand, one for all processes of a home, started again after a crash."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recsys.encoder.article_text import ArticleText
from recsys.errors import EncoderBusyError, EncoderError
from recsys.serving import encoding_process
from recsys.serving.encoding_process import EncodingProcess
from recsys.settings import Settings
from tests.apart import CRASH, FAIL, NAME, ProcessNumbers
from tests.trained import quick_settings

Open = Callable[..., EncodingProcess]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Makes encoders of one home; all processes end with the test."""
    made: list[EncodingProcess] = []
    settings: Settings = quick_settings().model_copy(update={"home": tmp_path})

    def make(**options: Any) -> EncodingProcess:
        made.append(EncodingProcess(settings, make=ProcessNumbers, **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def process_of(encoder: EncodingProcess, *texts: str) -> int:
    vectors = encoder.encode([ArticleText(text) for text in texts]).vectors[NAME]
    assert vectors[:, 1].tolist() == [len(text) for text in texts]
    return int(vectors[0, 0])


def test_one_process_encodes_until_it_is_idle(opened: Open) -> None:
    encoder = opened(idle=1.0)
    assert encoder.name == NAME
    assert not encoder.running
    first = process_of(encoder, "one", "three")
    assert first != os.getpid()
    with pytest.raises(EncoderError, match="ValueError"):
        process_of(encoder, FAIL)
    assert process_of(encoder, "two") == first
    deadline = time.monotonic() + 30
    while encoder.running:
        assert time.monotonic() < deadline, "the idle process did not end"
        time.sleep(0.05)
    assert process_of(encoder, "four") != first


def test_a_second_process_of_the_home_is_busy_until_the_first_ends(opened: Open) -> None:
    first, second = opened(), opened()
    process_of(first, "one")
    with pytest.raises(EncoderBusyError):
        process_of(second, "one")
    first.stop()
    process_of(second, "one")
    with pytest.raises(EncoderError, match="stopped"):
        process_of(first, "one")


def test_a_crash_is_reported_and_the_next_start_waits(
    opened: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = opened()
    with pytest.raises(EncoderError, match="crashed"):
        process_of(encoder, CRASH)
    assert "ended with status 3; next start in 10 s" in caplog.text
    with pytest.raises(EncoderError, match="crashed"):
        process_of(encoder, "one")
    now = time.monotonic()
    monkeypatch.setattr(encoding_process.time, "monotonic", lambda: now + encoding_process.SHORTEST_WAIT)
    assert process_of(encoder, "one") != os.getpid()
