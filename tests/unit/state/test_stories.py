"""Articles that are copies of one story."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.domain import DAY, HOUR, Article
from recsys.frames import articles_frame
from recsys.state.catalog import Catalog
from recsys.state.stories import SAME_TITLE_WITHIN
from recsys.state.story_keys import title_key, url_key

NOON = 20_000 * DAY
PAGE = "https://www.example.org/politics/Tram-line?id=7&a=1"
COPIES = (
    PAGE,
    "http://example.org/politics/Tram-line/?a=1&id=7",
    "https://m.example.org/politics/Tram-line?id=7&a=1&utm_source=x&UTM_Medium=y&fbclid=abc",
    "https://amp.example.org/politics/Tram-line?a=1&id=7#comments",
    "https://www.example.org/amp/politics/Tram-line?a=1&id=7",
    "https://EXAMPLE.org:443/politics/Tram-line/amp/?a=1&id=7&amp",
    "//example.org/politics/Tram-line.amp?amp=1&a=1&gclid=1&id=7&outputType=amp",
)


@pytest.mark.parametrize("url", COPIES)
def test_addresses_of_one_page_are_one(url: str) -> None:
    assert url_key(url) == "example.org/politics/Tram-line?a=1&id=7"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/politics/tram-line?id=7&a=1",
        "https://example.org/politics/Tram-line?id=8&a=1",
        "https://example.org/politics/Tram-line",
        "https://news.example.org/politics/Tram-line?id=7&a=1",
        "https://example.com/politics/Tram-line?id=7&a=1",
        "https://example.org/camp/politics/Tram-line?id=7&a=1",
    ],
)
def test_addresses_of_other_pages_are_others(url: str) -> None:
    assert url_key(url) != url_key(PAGE)


@pytest.mark.parametrize("url", [None, "", "https://a.org", "https://www.a.org/?utm_source=x", "urn:a"])
def test_an_address_without_a_page_names_no_story(url: str | None) -> None:
    assert url_key(url) is None


def test_titles_are_compared_by_their_words() -> None:
    one = "Council approves: the new tram-line!"
    assert (
        title_key(one)
        == title_key("COUNCIL  approves “the new tram line”")
        == title_key("Council approves the new tram line")
    )
    assert title_key(one, "A") != title_key(one, "B")
    assert title_key("Weather today") is None
    assert title_key("Title number four") is None
    assert title_key("Bundesverfassungsgericht entscheidet") is not None
    assert title_key("Straße am See gesperrt") == title_key("STRASSE am See gesperrt")


def article(
    id_: str,
    title: str = "Only a title",
    at: int | None = NOON,
    url: str | None = None,
    language: str | None = "en",
) -> Article:
    return Article(id=id_, title=title, published_at=at, url=url, source="S", language=language)


def catalog(*articles: Article) -> Catalog:
    made = Catalog()
    made.reserve(len(articles) + 1)
    made.upsert(np.arange(1, len(articles) + 1), articles_frame(articles))
    return made


def stories(*articles: Article) -> set[frozenset[str]]:
    """The ids that share a story."""
    of = catalog(*articles).stories().of.tolist()
    ids = {row: article.id for row, article in enumerate(articles, start=1)}
    groups = {frozenset(ids[row] for row in ids if of[row] == story) for story in of}
    return {group for group in groups if len(group) > 1}


LONG = "Council approves the new tram line"


def test_copies_share_an_address_or_a_title() -> None:
    found = stories(
        article("page", url=PAGE),
        article("amp", LONG, url=COPIES[4]),
        article("title", LONG.upper(), NOON + 2 * DAY),
        article("other", "Another council approves a line"),
        article("late", LONG, NOON + 8 * DAY),
        article("undated", LONG, None),
    )
    assert found == {frozenset(["page", "amp", "title"])}


def test_copies_are_of_one_language_however_its_code_is_written() -> None:
    codes = {"a": "da", "b": "da-DK", "c": "DA", "d": "dan", "e": "no", "f": "nb_NO"}
    found = stories(*(article(id_, LONG, language=code) for id_, code in codes.items()))
    assert found == {frozenset("abcd"), frozenset("ef")}


def test_a_copy_without_a_language_is_a_copy_unless_there_are_several() -> None:
    unknown, danish, german = (article(code or "-", LONG, language=code) for code in (None, "da", "de"))
    other = article("x", LONG, language=None)
    assert stories(unknown, danish) == {frozenset(["-", "da"])}
    assert stories(unknown, other) == {frozenset(["-", "x"])}
    assert stories(danish, german) == set()
    assert stories(unknown, danish, german, other) == {frozenset(["-", "x"])}


def test_a_series_does_not_collapse_for_ever() -> None:
    daily = [article(f"d{day}", "The weather in the capital today", NOON + day * DAY) for day in range(12)]
    assert stories(*daily) == {frozenset(f"d{day + more}" for more in range(4)) for day in (0, 4, 8)}


def test_a_story_changes_with_its_articles() -> None:
    made = catalog(article("a", url=PAGE), article("b", url=PAGE))
    assert made.stories().copies.tolist() == [1, 2]
    assert made.stories() is made.stories()
    made.delete(np.asarray([2]))
    assert made.stories().copies.tolist() == []
    made.upsert(np.asarray([2]), articles_frame([article("b", url=PAGE)]))
    assert made.stories().with_copies(np.asarray([2])).tolist() == [2, 1, 2]
    assert made.stories().with_copies(np.asarray([0])).tolist() == [0]


_ARTICLES = st.lists(
    st.tuples(
        st.sampled_from([LONG, "Another title of five words", "Short"]),
        st.sampled_from([None, 0, HOUR, 2 * DAY, 5 * DAY]),
        st.sampled_from([None, PAGE, "https://example.org/x"]),
        st.sampled_from([None, "da", "de"]),
    ),
    max_size=8,
)


@given(_ARTICLES, st.randoms(use_true_random=False))
def test_stories_do_not_depend_on_the_order_of_arrival(
    drawn: list[tuple[str, int | None, str | None, str | None]], random: object
) -> None:
    articles = [
        article(str(i), title, None if at is None else NOON + at, url, language)
        for i, (title, at, url, language) in enumerate(drawn)
    ]
    shuffled = list(articles)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert stories(*shuffled) == stories(*articles) == plainly(articles)


def plainly(articles: list[Article]) -> set[frozenset[str]]:
    """The same, pair by pair."""
    window: dict[str, int] = {}
    known: dict[str, set[str | None]] = {}
    for each in articles:
        known.setdefault(each.title, set()).add(each.language)
    stated = {}
    for each in articles:
        others = known[each.title] - {None}
        stated[each.id] = each.title, others.pop() if each.language is None and len(others) == 1 else each.language
    for group in {stated[each.id] for each in articles if title_key(each.title)}:
        begun = None
        for each in sorted(
            (a for a in articles if stated[a.id] == group and a.published_at), key=lambda a: a.published_at or 0
        ):
            assert each.published_at is not None
            if begun is None or each.published_at - begun > SAME_TITLE_WITHIN:
                begun = each.published_at
            window[each.id] = begun
    groups = {each.id: {each.id} for each in articles}
    for one, other in combinations(articles, 2):
        same_title = (
            stated[one.id] == stated[other.id] and one.id in window and window[one.id] == window.get(other.id)
        )
        if same_title or (one.url and one.url == other.url):
            together = groups[one.id] | groups[other.id]
            for id_ in together:
                groups[id_] = together
    return {frozenset(group) for group in groups.values() if len(group) > 1}
