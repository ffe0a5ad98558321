"""Boilerplate of planted outlets among real-looking titles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.calibration.boilerplate import LONGEST, Phrase, find_boilerplate
from recsys.simulate.world import simulate

TITLES = simulate(readers=2, articles=900, days=2, seed=5).articles["title"].to_list()
OUTLETS = {
    "courier": (False, "| The Daily Courier"),
    "herald": (True, "Morning Herald -"),
    "post": (False, "- Metro Post Online"),
    "live": (True, "LIVE:"),
    "plain": (False, ""),
    "capital": (False, "Capital Radio News"),
}


def planted(share: float) -> tuple[list[str], list[str], list[list[bool]]]:
    """Titles of six outlets; a share of them with the outlet's phrase."""
    rng, titles, sources, truth = np.random.default_rng(4), [], [], []
    for number, title in enumerate(TITLES):
        source = list(OUTLETS)[number % len(OUTLETS)]
        before, phrase = OUTLETS[source]
        words, extra = title.split(), phrase.split() if rng.random() < share else []
        titles.append(" ".join([*extra, *words] if before else [*words, *extra]))
        flags = [True] * len(extra)
        own = [False] * len(words)
        truth.append(flags + own if before else own + flags)
        sources.append(source)
    return titles, sources, truth


def marked(phrases: list[Phrase], title: str, source: str) -> np.ndarray:
    """The mask of the words of a title that are boilerplate of its source."""
    masks = [phrase.marks(title.split()) for phrase in phrases if phrase.source == source]
    return np.any([np.zeros(len(title.split()), dtype=np.bool_), *masks], axis=0)


@pytest.mark.parametrize("share", [0.15, 0.5, 1.0])
def test_planted_outlets_are_found_word_by_word(share: float) -> None:
    titles, sources, truth = planted(share)
    phrases = find_boilerplate(titles, sources)
    marks = [marked(phrases, *pair) for pair in zip(titles, sources, strict=True)]
    found, wanted = np.concatenate(marks), np.concatenate([np.asarray(flags) for flags in truth])
    hits = (found & wanted).sum()
    assert hits / found.sum() >= 0.9, "precision"
    assert hits / wanted.sum() >= 0.9, "recall"
    assert not any(phrase.source == "plain" for phrase in phrases)


def test_a_phrase_of_every_source_without_a_separator_is_none() -> None:
    titles = [f"The {word} wins again today" for word in "abcdefghijklmnopqrst"]
    assert find_boilerplate(titles, ["one", "two"] * 10) == []


def test_a_single_source_needs_a_separator() -> None:
    titles = [f"Why {word} matters today now" for word in "abcdefghijklmnopqrst"]
    assert find_boilerplate(titles, ["one"] * 20) == []
    (phrase,) = find_boilerplate([f"{title} | Post" for title in titles[:10]] + titles[10:], ["one"] * 20)
    assert phrase == Phrase("one", ("|", "Post"), False, 0.5) or phrase.words[-2:] == ("|", "Post")


def test_a_title_is_never_boilerplate_as_a_whole() -> None:
    phrases = find_boilerplate(["LIVE: Breaking"] * 10, ["one"] * 10)
    assert not marked(phrases, "LIVE:", "one").any()
    assert not marked(phrases, "LIVE: Breaking", "one").all()


@given(st.lists(st.tuples(st.text(max_size=30), st.sampled_from("ab")), max_size=40))
def test_any_titles_are_marked_within_their_words(rows: list[tuple[str, str]]) -> None:
    titles, sources = [title for title, _ in rows], [source for _, source in rows]
    for phrase in find_boilerplate(titles, sources):
        assert 0 < len(phrase.words) <= LONGEST
        assert 0 < phrase.share <= 1
    for title, source in rows:
        assert len(marked(find_boilerplate(titles, sources), title, source)) == len(title.split())
