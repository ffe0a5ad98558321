import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import generic_schema, validate
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
    return CHECKS[kind](generic_schema.from_rows(rows, places, kind), NOW)


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
        ({"id": None}, "missing_id"),
        ({"id": " "}, "missing_id"),
        ({"title": None}, "missing_title"),
        ({"title": "\t"}, "missing_title"),
        ({"title": "x" * 10_000_000}, "text_too_long"),
        ({"body": "x" * 5_000_000}, "text_too_long"),
        ({"id": "x" * 513}, "id_too_long"),
        ({"title": "a\x00b"}, "nul_byte"),
        ({"entities": ["a\x00b"]}, "nul_byte"),
        ({"published_at": "1989-12-31T23:59:59Z"}, "published_at_before_1990"),
        ({"published_at": "2099-01-01"}, "published_at_in_the_future"),
        ({"published_at": "tomorrow"}, "bad_time"),
        ({"expires_at": "1989-12-31T23:59:59Z"}, "expires_at_before_1990"),
        ({"expires_at": 9_000_000_000_000_000_000}, "expires_at_after_9999"),
        ({"image_url": "x" * 10_001}, "text_too_long"),
        ({"word_count": -1}, "word_count_out_of_range"),
        ({"word_count": 2**31}, "word_count_out_of_range"),
        ({"word_count": "long"}, "bad_type"),
        ({"title": {"en": "Title"}}, "bad_type"),
    ],
)
def test_articles_are_rejected_for(changes: dict[str, object], why: str) -> None:
    assert reason("articles", **changes) == why


def test_an_article_may_expire_in_the_future() -> None:
    assert reason("articles", expires_at="2099-01-01") is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"reader": None}, "missing_reader"),
        ({"kind": None}, "missing_kind"),
        ({"kind": "glance"}, "unknown_kind"),
        ({"article": None}, "missing_article"),
        ({"kind": "follow"}, "missing_subject"),
        ({"at": None}, "missing_time"),
        ({"at": "soon"}, "bad_time"),
        ({"at": "1970-01-01"}, "at_before_1990"),
        ({"at": NOW + DAY}, "at_in_the_future"),
        ({"known_at": NOW + DAY}, "known_at_in_the_future"),
        ({"known_at": NOW - 2 * DAY}, "known_before_it_happened"),
        ({"value": None}, "missing_value"),
        ({"value": float("nan")}, "not_finite"),
        ({"value": float("inf")}, "not_finite"),
        ({"value": -0.5}, "negative_value"),
        ({"value": 86_401}, "value_too_large"),
        ({"kind": "scroll", "value": 100.5}, "value_too_large"),
        ({"kind": "scroll", "value": float("nan")}, "not_finite"),
        ({"position": -1}, "position_out_of_range"),
        ({"reader": "r\x00"}, "nul_byte"),
        ({"session": "s\x00"}, "nul_byte"),
        ({"article": "a" * 600}, "id_too_long"),
        ({"device": "d" * 2_000}, "text_too_long"),
        ({"value": [1]}, "bad_type"),
    ],
)
def test_events_are_rejected_for(changes: dict[str, object], why: str) -> None:
    assert reason("events", **changes) == why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"reader": ""}, "missing_reader"),
        ({"at": None}, "missing_time"),
        ({"candidates": None}, "no_candidates"),
        ({"candidates": []}, "no_candidates"),
        ({"candidates": ["a", None]}, "missing_candidate"),
        ({"candidates": ["a", ""]}, "missing_candidate"),
        ({"candidates": ["a"] * 10_001}, "too_many_candidates"),
        ({"candidates": ["a", "b\x00"]}, "nul_byte"),
        ({"candidates": ["a", "b" * 600]}, "id_too_long"),
        ({"scores": [1.0]}, "length_mismatch"),
        ({"propensities": [1.0, 0.5, 0.1]}, "length_mismatch"),
        ({"scores": [1.0, float("nan")]}, "not_finite"),
        ({"scores": [1.0, None]}, "not_finite"),
        ({"at": "1980-01-01"}, "at_before_1990"),
        ({"at": NOW + DAY}, "at_in_the_future"),
        ({"candidates": {"a": 1}}, "bad_type"),
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
    assert reason("events", at=NOW + validate.CLOCK_SKEW) is None


def test_the_first_reason_wins() -> None:
    assert reason("events", reader=None, kind="glance", value=float("nan")) == "missing_reader"


def test_a_reject_tells_where_it_stood_and_quotes_a_bounded_part() -> None:
    row = check("articles", ARTICLE, {**ARTICLE, "title": "x" * 20_000}).rejects.row(0, named=True)
    assert (row["file"], row["row"], row["kind"]) == ("f", 2, "articles")
    assert row["raw"].startswith('{"id":"a","title":"xxx')
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
