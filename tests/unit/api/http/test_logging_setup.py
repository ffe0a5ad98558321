"""The two forms of the service's log."""

import json
import logging
import sys
import traceback

import pytest

from api.http.logging_setup import FIELDS, JsonFormatter, TextFormatter, configure, shorten_failed_start
from recsys.errors import ArchiveError


def record(**more: object) -> logging.LogRecord:
    made = logging.LogRecord("who", logging.WARNING, "f.py", 1, "it is %s", ("so",), None)
    made.__dict__.update(more)
    return made


def failed() -> logging.LogRecord:
    try:
        raise KeyError("r-0042")
    except KeyError:
        return record(exc_info=sys.exc_info())


def test_json_is_one_object_a_line() -> None:
    line = JsonFormatter().format(record(**{FIELDS: {"status": 200}}, msg="two\nlines", args=()))
    assert "\n" not in line
    reported = json.loads(line)
    assert (reported["level"], reported["logger"], reported["message"], reported["status"]) == (
        "warning", "who", "two\nlines", 200,
    )  # fmt: skip
    assert "request_id" not in reported


def test_text_shows_fields_that_have_a_value() -> None:
    line = TextFormatter().format(record(**{FIELDS: {"status": 200, "key": None}}))
    assert line.endswith("warning it is so status=200")


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_an_exception_is_logged_without_its_message(formatter: logging.Formatter) -> None:
    line = formatter.format(failed())
    assert "KeyError" in line
    assert "test_logging_setup.py" in line
    assert "r-0042" not in line


def test_all_loggers_are_sent_to_stderr_in_one_form(capsys: pytest.CaptureFixture[str]) -> None:
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    try:
        configure("json")
        logging.getLogger("uvicorn.error").info("up")
        logging.getLogger("recsys.feed").warning("slow")
    finally:
        root.handlers[:] = before
        root.setLevel(logging.WARNING)
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["up", "slow"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ArchiveError("a file: is missing"), "the service cannot start or stop: a file: is missing"),
        (ValueError("a bug"), "Traceback"),
    ],
)
def test_a_failed_start_is_one_line_if_the_error_names_the_fix(error: Exception, expected: str) -> None:
    try:
        raise error
    except Exception:
        found = logging.makeLogRecord({"msg": traceback.format_exc()})
    assert shorten_failed_start(found)
    assert found.getMessage().startswith(expected)
