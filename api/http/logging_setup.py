"""Log of the service, as JSON lines or text. Of an exception it shows the type and the stack, never the message.

A message may quote personal data from a request, and the log remains after an erasure.
"""

import json
import logging
import traceback
from contextvars import ContextVar
from typing import Any, Literal

from api.application.iso_time import to_iso
from recsys import errors

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Id of the current request; also set in the threads that answer it."""

FIELDS = "fields"
"""Attribute of a log record (`extra`) that contains additional fields."""


def configure(form: Literal["json", "text"]) -> None:
    """Send the records of all loggers to stderr in one format, and remove uvicorn's own handlers."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("faiss").setLevel(logging.WARNING)  # its info lists processors it was not built for
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.addFilter(shorten_failed_start)


def shorten_failed_start(record: logging.LogRecord) -> bool:
    """Replace uvicorn's traceback of a failed start or stop by its message, if Attune raised it on purpose."""
    text = record.getMessage().rstrip()
    name, _, message = text.rpartition("\n")[2].partition(": ")
    if text.startswith("Traceback") and name.startswith(f"{errors.__name__}."):
        record.msg, record.args = f"the service cannot start or stop: {message}", ()
    return True


class JsonFormatter(logging.Formatter):
    """Formatter of one JSON object per line: at, level, logger, message, request_id if any, additional fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record as one line."""
        entry: dict[str, Any] = {
            "at": to_iso(int(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request_id := REQUEST_ID.get()) is not None:
            entry["request_id"] = request_id
        entry |= getattr(record, FIELDS, {})
        if record.exc_info and record.exc_info[1] is not None:
            entry |= {"error": type(record.exc_info[1]).__name__, "stack": _stack(record.exc_info[1])}
        return json.dumps(entry, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Formatter of the same content for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record as one line, with an exception's frames on further lines."""
        fields = {**getattr(record, FIELDS, {}), "request_id": REQUEST_ID.get()}
        shown = " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
        at = to_iso(int(record.created * 1_000_000))[:23]
        line = f"{at} {record.levelname.lower():7} {record.getMessage()} {shown}".rstrip()
        if not record.exc_info or record.exc_info[1] is None:
            return line
        frames = "".join(f"\n    {frame}" for frame in _stack(record.exc_info[1]))
        return f"{line}\n  {type(record.exc_info[1]).__name__} in{frames}"


def _stack(error: BaseException) -> list[str]:
    """Return the frames of an exception, outermost first, without any values."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
