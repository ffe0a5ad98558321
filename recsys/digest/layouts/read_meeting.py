"""Find the layout of a transcript by its content, and read it."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from recsys.digest.layouts.captions import read_captions
from recsys.digest.layouts.plain_transcript import opening, read_transcript
from recsys.digest.layouts.turn_rows import (
    TRANSCRIPT,
    QmsumMeeting,
    is_turn,
    qmsum_meeting,
    turns_of_lines,
    turns_of_rows,
)
from recsys.digest.meeting import Meeting
from recsys.errors import DataError

MAX_BYTES = 256 * 1_024**2

LAYOUTS = (
    "a QMSum meeting (JSON with meeting_transcripts), JSONL with one turn a line (speaker, text), WebVTT, SRT, or "
    'text with lines like "Name: words", "[00:00:12] Name: words" or "Name  0:12"'
)

_SRT = re.compile(r"\A\s*\d+\s*\n\s*\d{1,2}:\d{2}:\d{2}[.,]\d{1,3}\s+-->")
_OPENINGS_LOOKED_AT = 200
_LEAST_SHARE_OF_OPENINGS = 0.05


def read_meeting(path: Path, number: int | None = None) -> Meeting:
    """Read a transcript. number: which meeting of a file with several, from 1.

    Raises:
        DataError: the file cannot be read, has no known layout or no turn, or has several meetings and no number.
    """
    text = read_text(path)
    records = _json_records(text)
    qmsum = [record for record in records if TRANSCRIPT in record]
    if qmsum:
        return turns_of_rows(_rows(_chosen(qmsum, number, path)))
    if number is not None and number != 1:
        raise DataError(f"{path} has one meeting: leave out --meeting {number}")
    meeting = _read(text, records)
    if meeting is None:
        raise DataError(f"{path} has no layout that Attune knows; it reads {LAYOUTS}")
    return meeting


def read_qmsum(paths: Sequence[Path]) -> Iterator[QmsumMeeting]:
    """Read all annotated meetings of files in the layout of QMSum.

    Raises:
        DataError: a file cannot be read, or has no such meeting.
    """
    for path in paths:
        records = [record for record in _json_records(read_text(path)) if TRANSCRIPT in record]
        if not records:
            raise DataError(f"{path} has no meeting of QMSum: it needs JSON objects with {TRANSCRIPT}")
        yield from map(qmsum_meeting, records)


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8 (or UTF-16 with a byte order mark), with line feeds.

    Raises:
        DataError: it cannot be opened, is too large, or is not text.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES} bytes; split it")
        content = path.read_bytes()
        utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as text: {error}; save the transcript in UTF-8") from error
    if "\0" in text:
        raise DataError(f"{path} is not text; Attune reads {LAYOUTS}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read(text: str, records: Sequence[dict[str, Any]]) -> Meeting | None:
    if text.lstrip().startswith("WEBVTT"):
        return read_captions(text.lstrip(), layout="vtt")
    if _SRT.match(text):
        return read_captions(text.lstrip(), layout="srt")
    if any(map(is_turn, records)):
        listed = text.lstrip().startswith("[")
        return turns_of_rows(json.loads(text)) if listed else turns_of_lines(text.split("\n"))
    lines = [line for line in text.split("\n") if line.strip()]
    looked_at = lines[:_OPENINGS_LOOKED_AT]
    openings = sum(opening(line.strip()) is not None for line in looked_at)
    if openings and openings >= _LEAST_SHARE_OF_OPENINGS * len(looked_at):
        return read_transcript(lines)
    return None


def _json_records(text: str) -> list[dict[str, Any]]:
    """Return the JSON objects of a file: the file itself, its list, or its lines; none if it is not JSON."""
    if not text.lstrip().startswith(("{", "[")):
        return []
    values = _parsed(text)
    whole = values[0] if values else None
    if isinstance(whole, dict):
        return [whole]
    if isinstance(whole, list):
        return [value for value in whole if isinstance(value, dict)]
    return [
        value for line in text.split("\n") if line.strip() for value in _parsed(line) if isinstance(value, dict)
    ]


def _parsed(text: str) -> list[object]:
    try:
        return [json.loads(text)]
    except (json.JSONDecodeError, RecursionError):
        return []


def _chosen(records: Sequence[dict[str, Any]], number: int | None, path: Path) -> dict[str, Any]:
    if number is None and len(records) > 1:
        raise DataError(f"{path} has {len(records)} meetings: choose one with --meeting 1 to {len(records)}")
    if not 1 <= (number or 1) <= len(records):
        raise DataError(f"{path} has {len(records)} meetings: --meeting {number} is none of them")
    return records[(number or 1) - 1]


def _rows(record: dict[str, Any]) -> list[object]:
    rows = record[TRANSCRIPT]
    if not isinstance(rows, list):
        raise DataError(f"{TRANSCRIPT} of the meeting is no list of turns")
    return rows
