"""Articles that a rule matches, by their columns."""

import re
from collections.abc import Sequence

import polars as pl

from recsys.domain import MatchField, Rule

COLUMNS = ("id", "title", "abstract", "category", "subcategory", "entities", "source", "author")
"""Columns of `frames.ARTICLES` that rules match."""

_AUTHORS = r"[^,;]+"
"""One name of the field `author`, which may list several."""

_WITHOUT_SPACES = (range(0x0E00, 0x0F00), range(0x1000, 0x10A0), range(0x1780, 0x1800), range(0x2E80, 0x110000))
"""Characters of scripts without spaces between words: Thai, Lao, Burmese, Khmer, Chinese, Japanese, Korean …"""


def matches(rules: Sequence[Rule], articles: pl.DataFrame) -> list[pl.Series]:
    """Return for each rule the mask of the rows of `articles` (n rows, at least `COLUMNS`) that it matches.

    Names match without regard to case and to space around them, ids exactly. A text matches whole words of title
    or abstract.
    """
    conditions = (_condition(rule).fill_null(False).alias(str(i)) for i, rule in enumerate(rules))
    # lazily, because the optimizer then computes a column in lower case once for all rules
    return articles.lazy().select(conditions).collect().get_columns()


def _condition(rule: Rule) -> pl.Expr:
    match rule.field:
        case MatchField.ARTICLE:
            return pl.col("id") == rule.match
        case MatchField.SECTION:
            return _is(pl.col("category"), rule.match).fill_null(False) | _is(pl.col("subcategory"), rule.match)
        case MatchField.SOURCE:
            return _is(pl.col("source"), rule.match)
        case MatchField.AUTHOR:
            parts = pl.col("author").str.extract_all(_AUTHORS)
            one = parts.list.eval(_is(pl.element(), rule.match)).list.any()
            return _is(pl.col("author"), rule.match).fill_null(False) | one
        case MatchField.TAG:
            return pl.col("entities").list.eval(_is(pl.element(), rule.match)).list.any()
        case MatchField.TEXT:
            phrase = _phrase(rule.match)
            in_title = pl.col("title").str.contains(phrase).fill_null(False)
            return in_title | pl.col("abstract").str.contains(phrase)


def _is(text: pl.Expr, name: str) -> pl.Expr:
    return text.str.strip_chars().str.to_lowercase() == name.strip().lower()


def _phrase(text: str) -> str:
    """Return the regular expression of whole words in any case."""
    words = text.split()
    spaced = r"\s+".join(map(_escaped, words))
    return f"(?i){_edge(words[0][0])}{spaced}{_edge(words[-1][-1])}"


def _escaped(word: str) -> str:
    return re.sub(r"([^\w])", lambda found: f"\\x{{{ord(found[0]):x}}}", word)


def _edge(char: str) -> str:
    ends_word = char.isalpha() or char.isdecimal()
    return r"\b" if ends_word and not any(ord(char) in script for script in _WITHOUT_SPACES) else ""
