"""Turns that a layout collects, with the rows that are none."""

from collections import Counter

from recsys.digest.meeting import Meeting, Turn

MAX_TURNS = 200_000
MAX_CHARACTERS = 100_000

EMPTY = "empty_text"
NOT_AN_OBJECT = "not_an_object"
NOT_JSON = "not_json"
NO_TEXT = "no_text"
BAD_TIME = "bad_time"
TOO_LONG = "too_long"
TOO_MANY = "too_many_turns"
UNREADABLE_CUE = "unreadable_cue"

REASONS = {
    EMPTY: "the turn has no text",
    NOT_AN_OBJECT: "the row is JSON, but no object",
    NOT_JSON: "the line is not JSON",
    NO_TEXT: 'the row has no text under "text" or "content"',
    BAD_TIME: "the time is not a number of seconds or h:mm:ss",
    TOO_LONG: f"the turn has more than {MAX_CHARACTERS} characters",
    TOO_MANY: f"the meeting has more than {MAX_TURNS} turns",
    UNREADABLE_CUE: "the cue has no valid times",
}
"""Reason of a rejected turn → its meaning."""


class TurnBuilder:
    """Collector of turns; what is no turn is counted by reason.

    An empty turn of a row layout keeps its index with `keep_empty`, so that spans of annotators still fit.
    """

    def __init__(self, *, keep_empty: bool = False) -> None:
        self._turns: list[Turn] = []
        self._rejected: Counter[str] = Counter()
        self._keep_empty = keep_empty

    def add(self, speaker: str, text: str, seconds: float | None = None) -> None:
        """Add a turn, or count why it is none."""
        plain = " ".join(text.split())
        reason = self._reason(plain)
        if reason is not None:
            self.reject(reason)
            if not self._keep_empty:
                return
            plain = ""
        self._turns.append(Turn(speaker=" ".join(speaker.split()), text=plain, seconds=seconds))

    def extend_last(self, text: str) -> None:
        """Append a line to the text of the last turn."""
        last = self._turns[-1]
        joined = " ".join(f"{last.text} {text}".split())
        if len(joined) > MAX_CHARACTERS:
            self.reject(TOO_LONG)
            return
        self._turns[-1] = Turn(speaker=last.speaker, text=joined, seconds=last.seconds)

    def reject(self, reason: str) -> None:
        """Count a row that is no turn; with `keep_empty` the caller adds an empty turn in its place."""
        self._rejected[reason] += 1

    def keep_place(self, reason: str) -> None:
        """Count a row that is no turn, and keep its index if the layout has indices."""
        self.reject(reason)
        if self._keep_empty:
            self._turns.append(Turn(speaker="", text=""))

    @property
    def last_speaker(self) -> str | None:
        """Speaker of the last turn, None before the first."""
        return self._turns[-1].speaker if self._turns else None

    def meeting(self) -> Meeting:
        """Return the turns so far."""
        return Meeting(turns=tuple(self._turns), rejected=dict(self._rejected))

    def _reason(self, text: str) -> str | None:
        if not text:
            return EMPTY
        if len(text) > MAX_CHARACTERS:
            return TOO_LONG
        return TOO_MANY if len(self._turns) >= MAX_TURNS else None


def seconds_of(text: str) -> float | None:
    """Convert "12", "0:12", "1:02:03" or "00:00:12.345" to seconds; None if it is no time."""
    parts = text.strip().replace(",", ".").split(":")
    if not 1 <= len(parts) <= 3:
        return None
    total = 0.0
    for part in parts:
        if not part.replace(".", "", 1).isdecimal():
            return None
        total = total * 60 + float(part)
    return total
