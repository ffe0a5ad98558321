"""Minutes as Markdown and as one HTML file without script."""

import re
from collections.abc import Sequence
from functools import cache

import jinja2

from recsys.digest.meeting import Meeting
from recsys.digest.meeting_minutes import Line, Minutes

_MARKUP = re.compile(r"([\\`*_\[\]<>#|])")


def markdown(minutes: Minutes, title: str) -> str:
    """Return the minutes as Markdown; characters of the transcript that are markup are escaped."""
    blocks = [f"# {_plain(title)}", *_list(_extract_heading(minutes), minutes.extract)]
    if minutes.topics:
        blocks.append("## Topics")
    for topic in minutes.topics:
        heading = f"### {_plain(topic.title)} (turns {topic.first}–{topic.last})"
        blocks += [heading, "\n".join(map(_item, topic.lines))]
    for heading, lines in _lists(minutes):
        blocks += _list(f"## {heading}", lines)
    return "\n\n".join(block for block in blocks if block) + "\n"


def html(minutes: Minutes, meeting: Meeting, title: str) -> str:
    """Return the minutes as a page with a heat map of the weights over the transcript; all texts are escaped."""
    return _template().render(
        title=title,
        minutes=minutes,
        heading=_extract_heading(minutes).removeprefix("## "),
        lists=_lists(minutes),
        turns=[(turn, heat, clock(turn.seconds)) for turn, heat in zip(meeting.turns, minutes.heat, strict=True)],
        clock=clock,
    )


def clock(seconds: float | None) -> str:
    """Return a time in a recording as m:ss or h:mm:ss; empty if it is unknown."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _extract_heading(minutes: Minutes) -> str:
    return f"## Answer to: {_plain(minutes.query)}" if minutes.query else "## Summary"


def _lists(minutes: Minutes) -> list[tuple[str, Sequence[Line]]]:
    named = [
        ("Decisions", minutes.decisions),
        ("Action items", minutes.actions),
        ("Open questions", minutes.questions),
    ]
    return [(heading, lines) for heading, lines in named if lines]


def _list(heading: str, lines: Sequence[Line]) -> list[str]:
    return [heading, "\n".join(map(_item, lines)) or "No sentence was chosen."]


def _item(line: Line) -> str:
    at = clock(line.seconds)
    where = f"turn {line.turn}, {at}" if at else f"turn {line.turn}"
    speaker = f"**{_plain(line.speaker)}**: " if line.speaker else ""
    return f"- {speaker}{_plain(line.text)} ({where})"


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("recsys.digest", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("minutes_page.html.j2")
