"""Decisions, action items and open questions of a meeting: cue words, ordered by the weight of the sentence."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.digest.meeting import Sentence

MOST_ITEMS = 10

_FEWEST_WORDS = 5
_FEWEST_WORDS_OF_TASK = 4
"""A task takes fewer words than a decision: "I'll send it tomorrow"."""

_ANSWER_TURNS = 3
_ANSWER_WORDS = 4

_TASKS = (
    "check|send|write|prepare|do|make|look|find|work|put|get|ask|talk|email|mail|call|update|finish|fix|organi[sz]e|"
    "bring|share|contact|follow|circulate|provide"
)
_DAYS = "next|the next|tomorrow|monday|tuesday|wednesday|thursday|friday"


def _cues(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


_DECISION = _cues(
    r"we(?:'ve| have)? (?:all )?(?:decided?|agreed?|chose|settled)",
    r"we(?:'ll| will) (?:go with|use|take|stick with)",
    r"we(?:'re| are) going (?:to go )?(?:with|for)",
    r"let's (?:go (?:with|for)|use|stick|decide|keep)",
    r"(?:it|that)(?:'s| is| was) (?:decided|agreed|settled)",
    r"decision (?:is|was)|final decision|the motion (?:is|was) (?:carried|agreed)|approved|resolved that",
)
_ACTION = _cues(
    rf"(?:i|we|you|he|she|they)(?:'ll| will| shall)(?: have to| need to)? (?:\w+ )?(?:{_TASKS})",
    rf"(?:i|we|you)(?:'m|'re| am| are) (?:going|gonna) (?:to )?(?:{_TASKS})",
    r"action (?:item|point)s?|to-?do|(?:need|needs|has|have) to be done",
    rf"by (?:{_DAYS})|(?:before|for|until) (?:the )?next meeting",
)
_REQUEST = _cues(rf"(?:can|could|would) you (?:please )?(?:\w+ )?(?:{_TASKS})")
"""A request is an action item although it is a question."""

_RHETORICAL = re.compile(
    r"^(?:right|okay|ok|yeah|you know|see|huh|isn't it|sorry|pardon|what)\b[^?]{0,12}\?$", re.I
)


def decisions(sentences: Sequence[Sentence], weights: NDArray[np.float64]) -> list[int]:
    """Return the sentences that state a decision, at most `MOST_ITEMS` of the largest weight, in order."""
    return _heaviest([place for place, each in enumerate(sentences) if _states(each, _DECISION)], weights)


def actions(sentences: Sequence[Sentence], weights: NDArray[np.float64]) -> list[int]:
    """Return the sentences that give or take a task, at most `MOST_ITEMS` of the largest weight, in order."""
    found = [
        place
        for place, each in enumerate(sentences)
        if _states(each, _ACTION, _FEWEST_WORDS_OF_TASK) or _requests(each)
    ]
    return _heaviest(found, weights)


def open_questions(sentences: Sequence[Sentence], weights: NDArray[np.float64]) -> list[int]:
    """Return the questions that nobody else answers in the next three turns, at most `MOST_ITEMS`, in order.

    An answer is a statement of at least four words by another speaker.
    """
    found = [
        place
        for place, each in enumerate(sentences)
        if each.asks and each.words >= _FEWEST_WORDS and not _RHETORICAL.match(each.text)
        and not _is_answered(sentences, place)
    ]  # fmt: skip
    return _heaviest(found, weights)


def _states(sentence: Sentence, cue: re.Pattern[str], fewest_words: int = _FEWEST_WORDS) -> bool:
    return not sentence.asks and sentence.words >= fewest_words and cue.search(sentence.text) is not None


def _requests(sentence: Sentence) -> bool:
    return sentence.words >= _FEWEST_WORDS and _REQUEST.search(sentence.text) is not None


def _is_answered(sentences: Sequence[Sentence], place: int) -> bool:
    question = sentences[place]
    for later in sentences[place + 1 :]:
        if later.turn > question.turn + _ANSWER_TURNS:
            return False
        if later.speaker != question.speaker and not later.asks and later.words >= _ANSWER_WORDS:
            return True
    return False


def _heaviest(places: Sequence[int], weights: NDArray[np.float64]) -> list[int]:
    return sorted(sorted(places, key=lambda place: (-weights[place], place))[:MOST_ITEMS])
