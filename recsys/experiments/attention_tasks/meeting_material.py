"""Material of the task of summaries: sentences of annotated meetings, queries, and distractors, as vectors."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.digest.layouts.turn_rows import QmsumMeeting, Span
from recsys.digest.meeting import Sentence
from recsys.digest.sentences import split_sentences
from recsys.digest.terms import function_terms, terms_of
from recsys.errors import DataError

LEAST_WORDS = 6
"""Shorter sentences say nothing alone."""

LEAST_MEETINGS = 20

PASSAGE = (4, 8)
"""Fewest and most sentences of a passage."""

_LONG = 3.0
"""Added to the length of a sentence, so that one with a single word does not win by it."""

SPAM, NOTICE, GARBLED = "spam", "notice", "garbled"
_GARBLED = 400

_SPAM = (
    ("Buy", "Order", "Get", "Win", "Try"),
    ("cheap watches", "a new phone", "weight loss pills", "casino credit", "printer ink", "designer shoes",
     "a holiday in the sun", "software licences"),
    ("now and save half", "today without any risk", "before midnight and pay nothing", "with free delivery",
     "and double your money"),
)  # fmt: skip
_NOTICES = (
    ("The recording", "The call", "The screen share", "The connection of guest two",
     "The microphone of guest four", "The waiting room"),
    ("has been paused", "was started", "has been stopped", "will end in five minutes", "is not stable",
     "was restored"),
    ("by the host.", "by the system.", "at the request of the owner.", "due to a time limit."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MeetingQuery:
    """Query of a meeting.

    row: of its vector; rows: all sentences of the meeting; relevant: inside relevant_text_span [m]; shared:
    content words that a sentence shares with the annotators' answer, over the root of its length [m].
    """

    meeting: int
    row: int
    rows: NDArray[np.int64]
    relevant: NDArray[np.bool_]
    shared: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Material:
    """Sentences as rows of one table.

    vectors: unit vectors [S, d], 0 in row 0, which is padding; meeting: of each row, -1 for queries and
    distractors [S]; distractors: rows by kind.
    """

    vectors: NDArray[np.float32]
    meeting: NDArray[np.int64]
    queries: Sequence[MeetingQuery]
    distractors: Mapping[str, NDArray[np.int64]]


def material(meetings: Sequence[QmsumMeeting], encode: Callable[[Sequence[str]], NDArray[np.float32]]) -> Material:
    """Encode the sentences of the meetings, their specific queries, and distractors.

    Raises:
        DataError: there are too few meetings.
    """
    if len(meetings) < LEAST_MEETINGS:
        raise DataError(
            f"summaries need {LEAST_MEETINGS} annotated meetings, the file has {len(meetings)}: give more of QMSum"
        )
    spoken = [
        [each for each in split_sentences(meeting.meeting.turns) if each.words >= LEAST_WORDS]
        for meeting in meetings
    ]
    lines = [sentence.text for sentences in spoken for sentence in sentences]
    pools = {SPAM: _combined(_SPAM), NOTICE: _combined(_NOTICES), GARBLED: _garbled(lines)}
    queries = [query.query for meeting in meetings for query in meeting.specific]
    texts = [*lines, *queries, *itertools.chain.from_iterable(pools.values())]
    vectors = encode(texts)
    counts = np.array([len(sentences) for sentences in spoken])
    meeting = np.repeat(np.arange(len(meetings)), counts)
    bounds = 1 + len(lines) + len(queries) + np.cumsum([0, *map(len, pools.values())])
    return Material(
        np.concatenate([np.zeros((1, vectors.shape[1]), dtype=np.float32), vectors]),
        np.concatenate([[-1], meeting, np.full(len(texts) - len(lines), -1)]),
        _queries(meetings, spoken),
        {kind: np.arange(*pair) for kind, pair in zip(pools, itertools.pairwise(bounds), strict=True)},
    )


def passages(
    query: MeetingQuery, rng: np.random.Generator
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """Cut a meeting into passages, and return those that are all relevant to the query, and those that are not."""
    lengths = rng.integers(PASSAGE[0], PASSAGE[1] + 1, size=len(query.rows) // PASSAGE[0] + 1)
    bounds = np.cumsum(lengths)
    parts = np.split(np.arange(len(query.rows)), bounds[bounds < len(query.rows)])
    whole = [part for part in parts if len(part) >= PASSAGE[0]]
    share = [query.relevant[part].mean() for part in whole]
    relevant, other = (
        [query.rows[part] for part, each in zip(whole, share, strict=True) if each == wanted]
        for wanted in (1.0, 0.0)
    )
    return relevant, other


def _queries(meetings: Sequence[QmsumMeeting], spoken: Sequence[Sequence[Sentence]]) -> list[MeetingQuery]:
    first, row = 1, 1 + sum(map(len, spoken))
    found = []
    for number, (meeting, sentences) in enumerate(zip(meetings, spoken, strict=True)):
        turns = np.array([sentence.turn for sentence in sentences], dtype=np.int64)
        rows = first + np.arange(len(sentences))
        terms = [_content_terms(sentence.text) for sentence in sentences]
        for query in meeting.specific:
            shared = _shared(terms, _content_terms(query.answer))
            found.append(MeetingQuery(number, row, rows, _inside(turns, query.spans), shared))
            row += 1
        first += len(sentences)
    return found


def _inside(turns: NDArray[np.int64], spans: Sequence[Span]) -> NDArray[np.bool_]:
    inside = np.zeros(len(turns), dtype=np.bool_)
    for first, last in spans:
        inside |= (turns >= first) & (turns <= last)
    return inside


def _content_terms(text: str) -> list[str]:
    return [term for term in terms_of(text) if term not in function_terms()]


def _shared(sentences: Sequence[Sequence[str]], answer: Sequence[str]) -> NDArray[np.float64]:
    wanted = set(answer)
    return np.array([len(wanted & set(terms)) / np.sqrt(_LONG + len(terms)) for terms in sentences])


def _combined(parts: Sequence[Sequence[str]]) -> list[str]:
    return [" ".join(words) for words in itertools.product(*parts)]


def _garbled(texts: Sequence[str]) -> list[str]:
    """Return sentences of random words, as of a failed recognition of speech."""
    rng = np.random.default_rng(0)
    words = [word for text in texts[:: max(len(texts) // 2_000, 1)] for word in text.split()]
    return [" ".join(rng.choice(words, size=rng.integers(6, 16))) for _ in range(_GARBLED)]
