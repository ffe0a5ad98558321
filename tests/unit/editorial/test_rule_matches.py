"""Articles that a rule matches."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.domain import Article
from recsys.editorial.rule_book import RuleBook, is_among
from recsys.editorial.rule_matches import matches
from recsys.frames import articles_frame
from recsys.state.live_state import LiveState
from tests.unit.editorial.editions import a_rule

ARTICLES = articles_frame(
    [
        Article(id="a", title="War and peace", category="World", subcategory="Europe", author="Ann Lee; Bo Ek"),
        Article(id="A", title="The award goes to C++ (again)", source="Wire", entities=("Oslo", "EU")),
        Article(id="b", title="地震が東京で", abstract="STRASSE, Ärger & more", category="world"),
        Article(id="c", title="No properties"),
    ]
)


@pytest.mark.parametrize(
    ("field", "match", "expected"),
    [
        ("article", "a", "a"),
        ("section", " WORLD ", "ab"),
        ("section", "europe", "a"),
        ("source", "wire", "A"),
        ("author", "bo ek", "a"),
        ("author", "Ann Lee; Bo Ek", "a"),
        ("author", "Ann", ""),
        ("tag", "eu", "A"),
        ("tag", "e", ""),
        ("text", "war", "a"),
        ("text", "WAR  and", "a"),
        ("text", "c++ (again)", "A"),
        ("text", "東京", "b"),
        ("text", "ärger &", "b"),
        ("text", ".*", ""),
    ],
)
def test_a_rule_matches_names_ids_and_whole_words(field: str, match: str, expected: str) -> None:
    found = ARTICLES.filter(*matches([a_rule("ban", field, match)], ARTICLES))["id"].to_list()
    assert "".join(found) == expected


@given(text=st.text(min_size=1).filter(str.strip))
def test_any_text_can_be_matched_and_finds_itself_between_spaces(text: str) -> None:
    words = " ".join(text.split())
    frame = pl.DataFrame(
        {"title": [f"before {words} after"], "abstract": [None]}, schema_overrides={"abstract": pl.String}
    )
    [found] = matches([a_rule("ban", "text", text)], frame)
    assert found.to_list() == [True]


def test_changed_articles_match_again_and_others_stay() -> None:
    state = LiveState()
    state.upsert_articles(ARTICLES)
    book = RuleBook.of([a_rule("ban", "section", "world"), a_rule("ban", "article", "c")], state, ARTICLES)
    changed = articles_frame([Article(id="a", title="Moved", category="sport"), Article(id="new", title="?")])
    state.upsert_articles(changed)
    again = book.with_articles(state, changed)
    found = [[state.articles.strings[row] for row in rows.tolist()] for rows in again.rows]
    assert found == [["b"], ["c"]]


@given(rows=st.lists(st.integers(0, 20)), among=st.sets(st.integers(0, 20)))
def test_membership_agrees_with_a_loop(rows: list[int], among: set[int]) -> None:
    found = is_among(np.asarray(rows, dtype=np.int64), np.asarray(sorted(among), dtype=np.int64))
    assert found.tolist() == [row in among for row in rows]
