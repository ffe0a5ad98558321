"""Minutes of a meeting: topics with their speakers, decisions, actions, open questions, and an extract."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.digest import meeting_cues
from recsys.digest.digest import Digester, Weighed
from recsys.digest.meeting import Meeting, Sentence
from recsys.digest.sentence_features import EncodedText
from recsys.digest.sentences import split_sentences
from recsys.digest.topic_segments import Segment, segment

SENTENCES_PER_TOPIC = 5
_FEWEST_WORDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Sentence of the minutes. turn: from 0; start, end: its characters in the turn; weight: in [0, 1]."""

    turn: int
    speaker: str
    text: str
    weight: float
    seconds: float | None
    start: int
    end: int

    def as_dict(self) -> dict[str, object]:
        """Return the line as the JSON of minutes has it."""
        return {"turn": self.turn, "speaker": self.speaker, "text": self.text, "weight": round(self.weight, 4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Topic from turn `first` to turn `last`, with its heaviest sentences in order."""

    title: str
    first: int
    last: int
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes:
    """Minutes. extract: the answer to the query, or the digest of the whole; heat: weight of each turn, [turns].

    seconds: budget of the extract.
    """

    query: str
    seconds: float
    topics: Sequence[Topic]
    decisions: Sequence[Line]
    actions: Sequence[Line]
    questions: Sequence[Line]
    extract: Sequence[Line]
    heat: NDArray[np.float64]
    rejected: Mapping[str, int]

    def as_dict(self) -> dict[str, object]:
        """Return the minutes as JSON has them."""
        lists = {name: getattr(self, name) for name in ("decisions", "actions", "questions", "extract")}
        return {
            "topics": [
                {
                    "title": topic.title,
                    "from": topic.first,
                    "to": topic.last,
                    "sentences": [line.as_dict() for line in topic.lines],
                }
                for topic in self.topics
            ],
            **{name: [line.as_dict() for line in lines] for name, lines in lists.items()},
        }


def write_minutes(meeting: Meeting, digester: Digester, query: str = "", seconds: float | None = None) -> Minutes:
    """Return the minutes of a meeting, with an extract for a query or for the whole.

    A meeting without any word has empty minutes. Topics and lists are of the whole meeting, whatever the query.
    """
    sentences = split_sentences(meeting.turns)
    if not sentences:
        return _no_minutes(meeting, query)
    text = digester.read(sentences)
    whole = digester.digest(text, "", seconds)
    answer = digester.digest(text, query, seconds) if query else whole
    lines = [_line(meeting, sentence, weight) for sentence, weight in zip(sentences, whole.weights, strict=True)]

    def picked(cue: Callable[[Sequence[Sentence], NDArray[np.float64]], list[int]]) -> list[Line]:
        return [lines[place] for place in cue(sentences, whole.weights)]

    return Minutes(
        query=query,
        seconds=answer.seconds,
        topics=[_topic(part, lines, text) for part in segment(text)],
        decisions=picked(meeting_cues.decisions),
        actions=picked(meeting_cues.actions),
        questions=picked(meeting_cues.open_questions),
        extract=[_line(meeting, sentences[place], answer.weights[place]) for place in answer.chosen],
        heat=_heat(len(meeting.turns), sentences, answer),
        rejected=meeting.rejected,
    )


def _topic(part: Segment, lines: Sequence[Line], text: EncodedText) -> Topic:
    own = range(part.start, part.end)
    long_enough = [place for place in own if text.words[place] >= _FEWEST_WORDS]
    heaviest = sorted(long_enough, key=lambda place: (-lines[place].weight, place))[:SENTENCES_PER_TOPIC]
    return Topic(
        title=part.title,
        first=lines[part.start].turn,
        last=lines[part.end - 1].turn,
        lines=[lines[place] for place in sorted(heaviest)],
    )


def _line(meeting: Meeting, sentence: Sentence, weight: float) -> Line:
    return Line(
        turn=sentence.turn,
        speaker=sentence.speaker,
        text=sentence.text,
        weight=float(weight),
        seconds=meeting.turns[sentence.turn].seconds,
        start=sentence.start,
        end=sentence.end,
    )


def _heat(turns: int, sentences: Sequence[Sentence], weighed: Weighed) -> NDArray[np.float64]:
    """Return the largest weight of the sentences of each turn [turns]; 0 for a turn without words."""
    heat = np.zeros(turns)
    np.maximum.at(heat, [sentence.turn for sentence in sentences], weighed.weights)
    return heat


def _no_minutes(meeting: Meeting, query: str) -> Minutes:
    return Minutes(
        query=query, seconds=0.0, topics=(), decisions=(), actions=(), questions=(), extract=(),
        heat=np.zeros(len(meeting.turns)), rejected=meeting.rejected,
    )  # fmt: skip
