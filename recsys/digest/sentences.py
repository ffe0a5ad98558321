"""Sentences of turns, cleaned of fillers and repetitions for reading."""

import re
from collections.abc import Iterator, Sequence

from recsys.digest.meeting import Sentence, Turn

LONGEST_SENTENCE = 60
"""Words after which a sentence is cut: speech without punctuation would be one sentence of thousands of words."""

_SENTENCE = re.compile(r"\S.*?(?:[.?!…]+[\"')\]]*(?=\s|\Z)|\Z)", re.DOTALL)
_WORD = re.compile(r"[^\W_](?:[\w'’-]*[^\W_])?")
_PIECE = re.compile(rf"(?:\S+\s*){{1,{LONGEST_SENTENCE}}}")
_MARK = re.compile(
    r"\{[^{}]{0,80}\}|\[(?:inaudible|crosstalk|laughter|laughs|music|applause|noise)[^\]]{0,40}\]|<[^<>]{1,40}>",
    re.I,
)
_FILLER = re.compile(
    r"(?<![\w'-])(?:u+m+|u+h+m*|e+r+m*|e+h+m*|h+m+|m+h*m+|mm-hmm|mm-mm|uh-huh|ah+|oh+)(?![\w'-])\s*,?", re.I
)
_PHRASE = re.compile(
    r"(?<![\w'-])(?<!\bdo )(?<!\bdid )(?<!n't )(?:you know|i mean|i guess)(?![\w'-])\s*,?\s*", re.I
)
_OPENING = re.compile(
    r"^[\s,.;:–-]*(?:(?:okay|ok|yeah|yes|yep|right|well|so|and|but|now|anyway|alright|all right)\b[\s,.;:–-]*)+",
    re.I,
)
_REPEATED = re.compile(r"\b((?:[\w'’-]{1,30}\s+){0,3}[\w'’-]{1,30})(?:\s*,?\s+\1\b)+", re.I)
_SPACE_BEFORE = re.compile(r"\s+([,.;:?!%)]|'(?:s|re|ve|ll|d|m|t)\b|n't\b)")
_STRAY_COMMA = re.compile(r"(?:,\s*)+(?=[,.;:?!])|(?<=[.;:?!])\s*,")
_SHORTEST_OPENED = 4


def split_sentences(turns: Sequence[Turn]) -> list[Sentence]:
    """Return the sentences of all turns, in order; those without a word are left out."""
    return [sentence for index, turn in enumerate(turns) for sentence in _sentences(index, turn)]


def clean(text: str) -> str:
    """Return the text without marks of the transcriber, fillers, repetitions and empty openings."""
    plain = _MARK.sub(" ", text)
    plain = _PHRASE.sub(" ", _FILLER.sub(" ", plain))
    plain = " ".join(plain.split())
    plain = _SPACE_BEFORE.sub(r"\1", plain)
    plain = _STRAY_COMMA.sub("", _REPEATED.sub(r"\1", plain))
    opened = _OPENING.sub("", plain)
    if count_words(opened) >= _SHORTEST_OPENED:
        plain = opened
    plain = plain.strip(" ,;:–-")
    return plain[:1].upper() + plain[1:]


def count_words(text: str) -> int:
    """Return the number of words."""
    return sum(1 for _ in _WORD.finditer(text))


def words_of(text: str) -> list[str]:
    """Return the words in lower case."""
    return [found[0].lower() for found in _WORD.finditer(text)]


def _sentences(index: int, turn: Turn) -> Iterator[Sentence]:
    for start, end in _spans(turn.text):
        raw = turn.text[start:end]
        text = clean(raw)
        words = count_words(text)
        if words:
            removed = 1.0 - words / max(count_words(raw), words)
            yield Sentence(
                turn=index, speaker=turn.speaker, start=start, end=end, text=text, words=words,
                disfluency=removed, asks="?" in raw,
            )  # fmt: skip


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each sentence; long ones are cut after `LONGEST_SENTENCE` words."""
    for sentence in _SENTENCE.finditer(text):
        for piece in _PIECE.finditer(text, sentence.start(), sentence.end()):
            if piece[0].strip():
                yield piece.start(), piece.start() + len(piece[0].rstrip())
