"""Text layouts of transcripts, as Otter, Zoom and Teams export them.

A line opens a turn in one of three forms; other lines go on with the turn above.

    Ana Silva  0:12              (Otter, Teams: the text follows on the next lines)
    [00:00:12] Ana Silva: Hello  (Zoom; also 00:00:12 Ana Silva: Hello)
    Ana Silva: Hello
"""

import re
from collections.abc import Iterable

from recsys.digest.layouts.turn_builder import TurnBuilder, seconds_of
from recsys.digest.meeting import Meeting

SPEAKER = r"[^\W\d_][^:\[\]<>{}?!\n]{0,59}?"
"""A name: it begins with a letter and has at most 60 characters, without a colon, bracket or end of a sentence."""

_TIME = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?"
_OPENINGS = (
    re.compile(rf"^\[(?P<time>{_TIME})\]\s*(?P<speaker>{SPEAKER}):(?:\s+(?P<text>.*))?$"),
    re.compile(rf"^(?P<time>{_TIME})\s+(?:-\s+)?(?P<speaker>{SPEAKER}):(?:\s+(?P<text>.*))?$"),
    re.compile(rf"^(?P<speaker>{SPEAKER})(?:\s{{2,}}|\t|\s*\||\s+[\[(])\s*(?P<time>{_TIME})[\])]?(?P<text>)\s*$"),
    re.compile(rf"^(?P<speaker>{SPEAKER})\s+(?P<time>{_TIME})(?P<text>)\s*$"),
    re.compile(rf"^(?P<speaker>{SPEAKER}):(?:\s+(?P<text>.*))?(?P<time>)$"),
)
_MOST_WORDS_OF_A_NAME = 5


def read_transcript(lines: Iterable[str]) -> Meeting:
    """Read a text transcript; lines before the first turn are a heading and are left out."""
    builder = TurnBuilder()
    open_turn: tuple[str, float | None, list[str]] | None = None
    for line in lines:
        opened = opening(line.strip())
        if opened is not None:
            _close(builder, open_turn)
            speaker, seconds, text = opened
            open_turn = speaker, seconds, [text]
        elif open_turn is not None and line.strip():
            open_turn[2].append(line.strip())
    _close(builder, open_turn)
    return builder.meeting()


def opening(line: str) -> tuple[str, float | None, str] | None:
    """Return speaker, start in seconds and text of a line that opens a turn, else None."""
    for form in _OPENINGS:
        found = form.match(line)
        if found is not None and len(found["speaker"].split()) <= _MOST_WORDS_OF_A_NAME:
            return found["speaker"].strip(), seconds_of(found["time"]), found["text"] or ""
    return None


def _close(builder: TurnBuilder, turn: tuple[str, float | None, list[str]] | None) -> None:
    if turn is not None:
        builder.add(turn[0], " ".join(turn[2]), turn[1])
