"""The service's log: JSON lines or text. Of an exception it tells the type and where, never its message.

A message may quote what a caller sent, and a log outlives an erasure.
"""

import json
import logging
import traceback
from contextvars import ContextVar
from typing import Any, Literal

from api.application.iso_time import to_iso

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that is being answered; also in the threads that answer it."""

FIELDS = "fields"
"""Attribute of a log record (`extra`) that holds fields of its own."""


def configure(form: Literal["json", "text"]) -> None:
    """Send every logger's records to stderr in one form; uvicorn's own handlers go."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("faiss").setLevel(logging.WARNING)  # it tells which processors it is not built for
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message, request_id if there is one, and the record's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        told: dict[str, Any] = {
            "at": to_iso(int(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request_id := REQUEST_ID.get()) is not None:
            told["request_id"] = request_id
        told |= getattr(record, FIELDS, {})
        if record.exc_info and record.exc_info[1] is not None:
            told |= {"error": type(record.exc_info[1]).__name__, "stack": _stack(record.exc_info[1])}
        return json.dumps(told, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line; an exception's frames on lines of their own."""
        fields = {**getattr(record, FIELDS, {}), "request_id": REQUEST_ID.get()}
        shown = " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
        at = to_iso(int(record.created * 1_000_000))[:23]
        line = f"{at} {record.levelname.lower():7} {record.getMessage()} {shown}".rstrip()
        if not record.exc_info or record.exc_info[1] is None:
            return line
        frames = "".join(f"\n    {frame}" for frame in _stack(record.exc_info[1]))
        return f"{line}\n  {type(record.exc_info[1]).__name__} in{frames}"


def _stack(error: BaseException) -> list[str]:
    """Where an exception went through, the outermost frame first, without the values of anything."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
