"""JSON layouts: QMSum meetings as they are published, and JSONL with one turn a line."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from recsys.digest.layouts.turn_builder import (
    BAD_TIME,
    NO_TEXT,
    NOT_AN_OBJECT,
    NOT_JSON,
    TurnBuilder,
    seconds_of,
)
from recsys.digest.meeting import Meeting
from recsys.errors import DataError

TRANSCRIPT = "meeting_transcripts"
"""Key of the turns in a QMSum meeting (Zhong et al., "QMSum", 2021)."""

_SPEAKERS = ("speaker", "name", "who")
_TEXTS = ("text", "content", "words")
_TIMES = ("start", "seconds", "time")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SummarisedQuery:
    """Query of a QMSum meeting with its summary.

    spans: first and last relevant turn of each; empty for the whole meeting.
    """

    query: str
    answer: str
    spans: Sequence[Span]


@dataclass(frozen=True, slots=True)
class QmsumMeeting:
    """Meeting of QMSum. topics: relevant spans of all topics; general, specific: its queries."""

    meeting: Meeting
    topics: Sequence[Span]
    general: Sequence[SummarisedQuery]
    specific: Sequence[SummarisedQuery]


def qmsum_meeting(record: dict[str, Any]) -> QmsumMeeting:
    """Read a meeting with its annotations.

    Raises:
        DataError: topics or queries are not in the layout of QMSum.
    """
    try:
        topics = [span for topic in record["topic_list"] for span in _spans(topic["relevant_text_span"])]
        general = [SummarisedQuery(each["query"], each["answer"], ()) for each in record["general_query_list"]]
        specific = [
            SummarisedQuery(each["query"], each["answer"], _spans(each["relevant_text_span"]))
            for each in record["specific_query_list"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"the meeting is not annotated as QMSum publishes it ({error!r}); it needs topic_list, "
            "general_query_list and specific_query_list with query, answer and relevant_text_span"
        ) from error
    return QmsumMeeting(turns_of_rows(record[TRANSCRIPT]), topics, general, specific)


def turns_of_rows(rows: Iterable[object]) -> Meeting:
    """Read rows with a speaker and a text; a row that is no turn keeps its index, because spans count rows."""
    builder = TurnBuilder(keep_empty=True)
    for row in rows:
        _add_row(builder, row)
    return builder.meeting()


def turns_of_lines(lines: Iterable[str]) -> Meeting:
    """Read JSONL with one turn a line; blank lines are skipped."""
    builder = TurnBuilder()
    for line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            builder.keep_place(NOT_JSON)
            continue
        _add_row(builder, row)
    return builder.meeting()


def is_turn(row: object) -> bool:
    """Return whether a row of JSON has a text."""
    return isinstance(row, dict) and any(isinstance(row.get(name), str) for name in _TEXTS)


def _add_row(builder: TurnBuilder, row: object) -> None:
    if not isinstance(row, dict):
        builder.keep_place(NOT_AN_OBJECT)
        return
    text, speaker, time = _first(row, _TEXTS), _first(row, _SPEAKERS), _first(row, _TIMES)
    if not isinstance(text, str):
        builder.keep_place(NO_TEXT)
        return
    seconds = None if time is None else seconds_of(str(time))
    if time is not None and seconds is None:
        builder.reject(BAD_TIME)  # the turn itself is good
    builder.add(speaker if isinstance(speaker, str) else "", text, seconds)


def _first(row: dict[str, Any], names: Sequence[str]) -> object:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _spans(pairs: Sequence[Sequence[object]]) -> list[Span]:
    return [(int(str(first)), int(str(last))) for first, last in pairs]
