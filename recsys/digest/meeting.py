"""A meeting as turns, and the sentences that a digest weighs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of one speaker.

    speaker: empty if the transcript names none; seconds: start in the recording, None where it is unknown.
    """

    speaker: str
    text: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Turns in order. rejected: rows of the file that are no turn, counted by reason."""

    turns: Sequence[Turn]
    rejected: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Sentence of a turn.

    turn: index of the turn; start, end: its characters in the text of the turn; text: cleaned for reading;
    disfluency: share of its words that cleaning removed; asks: it ends with a question mark.
    """

    turn: int
    speaker: str
    start: int
    end: int
    text: str
    words: int
    disfluency: float
    asks: bool
