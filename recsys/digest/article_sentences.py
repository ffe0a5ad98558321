"""Sentences of an article with their characters in its text, in any language that ends sentences with marks."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import islice, pairwise

import snowballstemmer

from recsys.digest.sentences import count_words, words_of

LONGEST_TEXT = 40_000
"""Characters of an article that are read: later sentences never summarise it."""

MOST_READ = 400
"""Sentences of an article that are read: each one is compared with each other."""

_LONGEST_ABBREVIATION = 20

_ABBREVIATIONS = (
    "mr mrs ms dr prof st sen rep gov gen lt col sgt rev hon jr sr vs etc inc ltd corp co no vol fig al "
    "jan feb mar apr jun jul aug sep sept oct nov dec "
    "kl ca bl bl.a fx f.eks nr hr fr mio mia kr dvs pga evt jf stk "
    "bzw usw z.b d.h u.a nr str tel abs"
)
"""Words before a full stop that does not end a sentence: English, Danish, German."""

_END = re.compile(r"(?<![.?!…])[.?!…]++[\"'”’»)\]]*+(?=\s)|[。！？]+[」』”’]*|\n")
_LAST_WORD = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)*)\.$")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_STEMMERS = {"en": "english", "da": "danish", "de": "german"}


@dataclass(frozen=True, slots=True)
class ArticleSentence:
    """Sentence of a text. start, end: its characters in the text; paragraph: counted from 0; words: of it."""

    text: str
    start: int
    end: int
    paragraph: int
    words: int


def article_sentences(text: str) -> list[ArticleSentence]:
    """Return at most `MOST_READ` sentences of the first `LONGEST_TEXT` characters; each is `text[start:end]`."""
    return list(islice(_sentences(text[:LONGEST_TEXT]), MOST_READ))


def word_equivalents(text: str) -> int:
    """Return the number of words; in scripts without spaces, two characters count as one."""
    wide = len(_WIDE.findall(text))
    return count_words(_WIDE.sub(" ", text)) + (wide + 1) // 2


def content_terms(text: str, language: str | None) -> list[str]:
    """Return the stems of the words that carry meaning; pairs of characters in scripts without spaces.

    language: a code such as `da`; words of other languages than English, Danish and German are not stemmed.
    """
    code = (language or "en").lower()[:2]
    stops = _function_words().get(code, frozenset())
    words = [word for word in words_of(_WIDE.sub(" ", text)) if word not in stops]
    wide = _WIDE.findall(text)
    pairs = [first + second for first, second in pairwise(wide)]
    return [*_stems(code, words), *pairs]


@cache
def _function_words() -> Mapping[str, frozenset[str]]:
    """Return the words without a subject by language."""
    found = json.loads((files("recsys.digest") / "function_words.json").read_text("utf-8"))
    return {code: frozenset(words.split()) for code, words in found.items()}


def _stems(code: str, words: Sequence[str]) -> list[str]:
    return list(words) if code not in _STEMMERS else [_stem(code, word) for word in words]


@lru_cache(maxsize=65_536)
def _stem(code: str, word: str) -> str:
    return str(_stemmer(code).stemWord(word))


@cache
def _stemmer(code: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(_STEMMERS[code])


def _sentences(text: str) -> Iterator[ArticleSentence]:
    start = paragraph = 0
    for found in _END.finditer(text):
        is_line = found[0] == "\n"
        if not is_line and _is_abbreviation(text[max(start, found.end() - _LONGEST_ABBREVIATION) : found.end()]):
            continue
        yield from _sentence(text, start, found.start() if is_line else found.end(), paragraph)
        start, paragraph = found.end(), paragraph + is_line
    yield from _sentence(text, start, len(text), paragraph)


def _sentence(text: str, start: int, end: int, paragraph: int) -> Iterator[ArticleSentence]:
    raw = text[start:end]
    begin = start + len(raw) - len(raw.lstrip())
    plain = raw.strip()
    if words := word_equivalents(plain):
        yield ArticleSentence(plain, begin, begin + len(plain), paragraph, words)


@cache
def _abbreviations() -> frozenset[str]:
    return frozenset(_ABBREVIATIONS.split())


def _is_abbreviation(so_far: str) -> bool:
    """Return True if the full stop at the end belongs to an abbreviation or an initial: "J.", "U.S."."""
    found = _LAST_WORD.search(so_far)
    if found is None:
        return False
    word = found[1]
    return len(word) == 1 or "." in word or word.lower() in _abbreviations()
