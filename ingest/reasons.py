"""Reasons why a row, or a value of it, is not stored: "field: problem". Checks of rows and of frames use them.

A reason contains no value, so that equal problems are counted together.
"""

from dataclasses import dataclass

from ingest.limits import LARGEST_INTEGER, MOST_CANDIDATES
from recsys.domain import EventKind

SHOWN_CHARS = 80
"""Number of characters of a value in messages."""

MISSING = "missing"
NUL = "contains a NUL character"
TOO_EARLY = "before 1990"
IN_FUTURE = "in the future"
TOO_LATE = "after the year 9999"
UNKNOWN_KIND = "unknown"
NEGATIVE = "negative"
NOT_FINITE = "not a finite number"
TOO_LARGE = "too large"
OUT_OF_RANGE = f"not between 0 and {LARGEST_INTEGER}"
BEFORE_AT = "earlier than at"
OTHER_CONTENT = "stored already with other content"
NO_CANDIDATES = "empty"
TOO_MANY = f"more than {MOST_CANDIDATES} articles"
GAP = "an article is missing"
OTHER_LENGTH = "not as long as candidates"
NO_TIME = "is not a time Attune reads"
HALF_PAIR = "half a surrogate pair"
NO_ARRAY = "not a JSON array"
NO_OBJECT = "not an object"
NO_JSON = "not JSON"
NO_KIND = "neither article, event nor impression"
MANY_ROWS = "more than 1000 rows"
NO_UTF8 = "not UTF-8"
LONG_LINE = "too long"
OTHER_COLUMNS = "other columns than the file has"
OPEN_QUOTE = "unmatched quotes"
MIXED_LABELS = "labels of some articles only"
OTHER_LENGTHS = "lists of different length"
BOT = "of a bot"
PREFETCH = "of a page that was fetched in advance"
READERS_ONLY = "needs a reader token"
NOT_PUBLIC = "not public"
PAUSED = "has paused learning"
ARCHIVED = "in the archived part of the log"
NO_POST = "neither a post nor a boost"

_FIXES = {
    MISSING: "give it a value",
    NUL: "remove the character",
    TOO_EARLY: "check the unit and the form of the time",
    IN_FUTURE: "check the time zone; five minutes of clock skew are allowed",
    TOO_LATE: "check the unit of the time",
    UNKNOWN_KIND: f"use one of {', '.join(EventKind)}",
    NEGATIVE: "give seconds of a read, or percent of a scroll, from 0 on",
    NOT_FINITE: "give a finite number",
    TOO_LARGE: "give at most 86400 seconds of a read, or 100 percent of a scroll",
    OUT_OF_RANGE: "check the number",
    BEFORE_AT: "give a time not before at, or leave it out",
    OTHER_CONTENT: "use another id: the row stored first remains",
    NO_CANDIDATES: "list the ids of the articles that were shown",
    TOO_MANY: f"list at most {MOST_CANDIDATES} articles",
    GAP: "give the id of every article in the list",
    OTHER_LENGTH: "give one number an article",
    HALF_PAIR: "send valid Unicode",
    NO_ARRAY: 'write ["a", "b"] or a|b',
    NO_OBJECT: 'send an object like {"reader": "r1", "kind": "click", "article": "a1"}',
    NO_JSON: "write one JSON object a line",
    NO_KIND: "articles need title, events kind, impressions candidates",
    MANY_ROWS: "send several messages",
    NO_UTF8: "convert the file, for example with iconv -t UTF-8",
    LONG_LINE: "shorten it",
    OTHER_COLUMNS: "quote cells that contain the separator",
    OPEN_QUOTE: "close the quotes, and double quotes within a cell",
    MIXED_LABELS: "mark every article with -0 or -1, or none",
    OTHER_LENGTHS: "give lists of the same length",
    BOT: "nothing to do: a declared crawler, or more events a minute than a person can cause",
    PREFETCH: "send events once the page is visible",
    NOT_PUBLIC: "nothing to do: posts to followers and to single people stay private",
    NO_POST: "nothing to do: only posts, replies and boosts are stored",
    PAUSED: "nothing to do: until the reader resumes, only hides, dislikes, follows and mutes are stored",
    ARCHIVED: "nothing to do if it is stored already; else check the time: import old rows before archiving",
    READERS_ONLY: "send a reader token with it",
}


_FORMS = "2026-11-26T10:00:00Z, Thu, 26 Nov 2026 10:00:00 GMT, 20261126, or epoch seconds, ms, µs or ns"


@dataclass(frozen=True, slots=True)
class Problem:
    """Problem of a value. value: as it came, cut; fix: what the sender can do."""

    reason: str
    value: str
    fix: str

    @classmethod
    def of(cls, field: str, problem: str, value: object = "") -> "Problem":
        """Return the problem of `value`, which `field` has."""
        name = reason(field, problem)
        shown = value if isinstance(value, str) else repr(value)
        sendable = shown[:SHOWN_CHARS].encode(errors="replace").decode()  # it may hold half a surrogate pair
        return cls(name, sendable, fix_of(name))


def reason(field: str, problem: str) -> str:
    """Return the reason for `problem` of `field`."""
    return f"{field}: {problem}"


def too_long(most_bytes: int) -> str:
    """Return the problem of a text of more than `most_bytes` bytes."""
    return f"longer than {most_bytes} bytes"


def misfit(found: str, wanted: str) -> str:
    """Return the problem of a value of the type `found`."""
    return f"{found} where {wanted} is expected"


def fix_of(reason: str) -> str:
    """Return what the sender can do about `reason`."""
    problem = reason.partition(": ")[2]
    if problem.endswith(NO_TIME):
        return f"write it like {_FORMS}; or set --time-format"
    if problem.endswith(" is expected"):
        return f"give {problem.partition(' where ')[2].removesuffix(' is expected')}"
    return _FIXES.get(problem, "shorten it")
