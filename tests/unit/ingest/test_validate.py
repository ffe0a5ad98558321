import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import generic_schema, validate
from ingest.limits import CLOCK_SKEW
from recsys.domain import DAY, EventKind

NOW = 1_700_000_000_000_000
ARTICLE = {"id": "a", "title": "Title", "published_at": NOW - DAY, "word_count": 300, "entities": ["x"]}
EVENT = {"id": "e", "reader": "r", "kind": "read", "article": "a", "at": NOW - DAY, "value": 12.5, "position": 0}
SLATE = {"id": "s", "reader": "r", "at": NOW - DAY, "candidates": ["a", "b"], "scores": [1.0, 0.5]}
CHECKS = {"articles": validate.articles, "events": validate.events, "impressions": validate.slates}
SOUND = {"articles": ARTICLE, "events": EVENT, "impressions": SLATE}


def check(kind: str, /, *rows: dict[str, object]) -> validate.Checked:
    places = pl.DataFrame(
        {"file": ["f"] * len(rows), "row": list(range(1, len(rows) + 1)), "raw": [None] * len(rows)},
        schema={"file": pl.String, "row": pl.Int64, "raw": pl.String},
    )
    return CHECKS[kind](generic_schema.from_rows(rows, places, kind).rows, NOW)


def lost(kind: str, /, **changes: object) -> list[str]:
    """The problems of values that a stored row with these changes is stored without."""
    assert reason(kind, **changes) is None
    places = pl.DataFrame({"file": ["f"], "row": [1], "raw": [None]}, schema_overrides={"raw": pl.String})
    return generic_schema.from_rows([{**SOUND[kind], **changes}], places, kind).lost["reason"].to_list()


def reason(kind: str, /, **changes: object) -> str | None:
    """Why a sound row with these changes is rejected, between two sound rows that must stay."""
    sound = SOUND[kind]
    checked = check(kind, {**sound, "id": "before"}, {**sound, **changes}, {**sound, "id": "after"})
    kept = checked.good["id"].to_list()
    assert kept[0] == "before" and kept[-1] == "after"
    assert checked.good.height + checked.rejects.height == 3
    return checked.rejects["reason"][0] if checked.rejects.height else None


@pytest.mark.parametrize("kind", list(SOUND))
def test_a_sound_row_is_good(kind: str) -> None:
    assert reason(kind) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"id": None}, "id: missing"),
        ({"id": " "}, "id: missing"),
        ({"title": None}, "title: missing"),
        ({"title": "\t"}, "title: missing"),
        ({"title": "x" * 10_000_000}, "title: longer than 10000 bytes"),
        ({"id": "x" * 513}, "id: longer than 512 bytes"),
        ({"title": "a\x00b"}, "title: contains a NUL character"),
        ({"title": {"en": "Title"}}, "title: an object where text is expected"),
    ],
)
def test_articles_are_rejected_for(changes: dict[str, object], why: str) -> None:
    assert reason("articles", **changes) == why


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        ("articles", {"body": "x" * 5_000_000}, "body: longer than 4000000 bytes"),
        ("articles", {"entities": ["a\x00b"]}, "entities: contains a NUL character"),
        ("articles", {"published_at": "1989-12-31T23:59:59Z"}, "published_at: before 1990"),
        ("articles", {"published_at": "tomorrow"}, "published_at: this text is not a time Attune reads"),
        ("articles", {"word_count": 2**31}, "word_count: not between 0 and 2147483647"),
        ("articles", {"word_count": "long"}, "word_count: a text where a whole number is expected"),
        ("articles", {"author": ["A", "B"]}, "author: a list where text is expected"),
        ("events", {"position": -1}, "position: not between 0 and 2147483647"),
        ("events", {"session": "s\x00"}, "session: contains a NUL character"),
        ("events", {"device": "d" * 2_000}, "device: longer than 1000 bytes"),
        ("impressions", {"scores": ["high", 1]}, "scores: a text where a number is expected"),
    ],
)
def test_a_bad_optional_value_costs_its_field_only(kind: str, changes: dict[str, object], why: str) -> None:
    assert lost(kind, **changes) == [why]


@pytest.mark.parametrize("missing", ["", " ", None, float("nan"), "NULL", r"\N", "(not set)", "undefined", "n/a"])
def test_a_placeholder_is_a_missing_value(missing: object) -> None:
    assert lost("articles", author=missing, word_count=missing, published_at=missing, entities=missing) == []
    assert reason("events", reader=missing) == "reader: missing"


def test_the_value_at_fault_is_quoted_with_a_fix() -> None:
    row = check("events", {**EVENT, "kind": "glance"}).rejects.row(0, named=True)
    assert row["value"] == "glance"
    assert row["fix"].startswith("use one of impression, click")


def test_an_article_may_expire_in_the_future() -> None:
    assert reason("articles", expires_at="2099-01-01") is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"reader": None}, "reader: missing"),
        ({"kind": None}, "kind: missing"),
        ({"kind": "glance"}, "kind: unknown"),
        ({"article": None}, "article: missing"),
        ({"kind": "follow"}, "subject: missing"),
        ({"at": None}, "at: missing"),
        ({"at": "soon"}, "at: this text is not a time Attune reads"),
        ({"at": "1970-01-01"}, "at: before 1990"),
        ({"at": NOW + DAY}, "at: in the future"),
        ({"known_at": NOW + DAY}, "known_at: in the future"),
        ({"known_at": NOW - 2 * DAY}, "known_at: earlier than at"),
        ({"value": None}, "value: missing"),
        ({"value": float("nan")}, "value: missing"),
        ({"value": float("inf")}, "value: not a finite number"),
        ({"value": -0.5}, "value: negative"),
        ({"value": 86_401}, "value: too large"),
        ({"kind": "scroll", "value": 100.5}, "value: too large"),
        ({"kind": "scroll", "value": float("nan")}, "value: missing"),
        ({"kind": "like", "value": -1}, "value: negative"),
        ({"reader": "r\x00"}, "reader: contains a NUL character"),
        ({"article": "a" * 600}, "article: longer than 512 bytes"),
        ({"value": [1]}, "value: a list where a number is expected"),
    ],
)
def test_events_are_rejected_for(changes: dict[str, object], why: str) -> None:
    assert reason("events", **changes) == why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"reader": ""}, "reader: missing"),
        ({"at": None}, "at: missing"),
        ({"candidates": None}, "candidates: empty"),
        ({"candidates": []}, "candidates: empty"),
        ({"candidates": ["a", None]}, "candidates: an article is missing"),
        ({"candidates": ["a", ""]}, "candidates: an article is missing"),
        ({"candidates": ["a"] * 10_001}, "candidates: more than 10000 articles"),
        ({"candidates": ["a", "b\x00"]}, "candidates: contains a NUL character"),
        ({"candidates": ["a", "b" * 600]}, "candidates: longer than 512 bytes"),
        ({"scores": [1.0]}, "scores: not as long as candidates"),
        ({"propensities": [1.0, 0.5, 0.1]}, "propensities: not as long as candidates"),
        ({"scores": [1.0, None]}, "scores: not a finite number"),
        ({"at": "1980-01-01"}, "at: before 1990"),
        ({"at": NOW + DAY}, "at: in the future"),
        ({"candidates": {"a": 1}}, "candidates: an object where a list is expected"),
    ],
)
def test_slates_are_rejected_for(changes: dict[str, object], why: str) -> None:
    assert reason("impressions", **changes) == why


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_of_event_is_known(kind: EventKind) -> None:
    assert reason("events", kind=kind.value, subject="topic") is None


def test_a_preference_needs_no_article_and_a_click_no_value() -> None:
    assert reason("events", kind="mute", article=None, subject="sport", value=None) is None
    assert reason("events", kind="click", value=None) is None


def test_clocks_may_differ_a_little() -> None:
    assert reason("events", at=NOW + CLOCK_SKEW) is None


def test_the_first_reason_wins() -> None:
    assert reason("events", reader=None, kind="glance", value=float("nan")) == "reader: missing"


def test_a_reject_has_its_place_and_quotes_a_bounded_part() -> None:
    row = check("articles", ARTICLE, {**ARTICLE, "title": "x" * 20_000}).rejects.row(0, named=True)
    assert (row["file"], row["row"], row["kind"]) == ("f", 2, "articles")
    assert row["raw"].startswith('{"id": "a", "title": "xxx')
    assert len(row["raw"]) == 500


VALUES = st.one_of(
    st.none(),
    st.floats(),
    st.integers(),
    st.text(max_size=5),
    st.sampled_from(["read", "click", "a", NOW - DAY]),
    st.lists(st.text(max_size=2), max_size=3),
    st.booleans(),
)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(list(SOUND)),
    st.lists(st.dictionaries(st.sampled_from(sorted({*ARTICLE, *EVENT, *SLATE})), VALUES), max_size=6),
)
def test_whatever_comes_every_row_is_good_or_rejected_with_a_reason(
    kind: str, rows: list[dict[str, object]]
) -> None:
    checked = check(kind, *rows, SOUND[kind])
    assert checked.good.height + checked.rejects.height == len(rows) + 1
    assert checked.rejects["reason"].null_count() == 0
    assert checked.good["row"][-1] == len(rows) + 1


def test_an_article_under_embargo_is_accepted() -> None:
    assert reason("articles", published_at="2099-01-01") is None
