"""Why articles stand where they stand, and why one is missing."""

from dataclasses import replace

import pytest

from recsys.domain import DAY, HOUR, Article, FeedRequest, MatchField, Preferences, Rule, RuleKind
from recsys.editorial.rule_book import RuleBook
from recsys.feed.engine import FeedEngine
from recsys.feed.reader_lookups import ReaderLookups
from recsys.feed.retrieval import FeedLimits
from recsys.frames import articles_frame
from recsys.insight.feed_breakdown import Absence, absence, breakdowns
from recsys.projection.vector_table import VectorTable
from recsys.ranking.age_support import AgeSupport, SupportedAges
from tests.unit.ranking.requests import NOW, made_up_state

ME = FeedRequest(request_id="q", reader="me", as_of=NOW)


def engine() -> FeedEngine:
    return FeedEngine(state=made_up_state(), vectors=VectorTable(), limits=FeedLimits(max_age_days=5))


def test_the_popular_article_owes_its_place_to_popularity() -> None:
    hot, cold, old = breakdowns(engine(), ME, ["hot", "cold", "old"])
    assert hot.score > cold.score > old.score
    assert dict(hot.shares)["popularity"] > 0
    assert dict(old.shares)["freshness"] < 0
    sizes = [abs(share) for _, share in hot.shares]
    assert sizes == sorted(sizes, reverse=True)


def test_an_article_alone_is_typical_so_nothing_sets_it_apart() -> None:
    [alone] = breakdowns(engine(), ME, ["hot"])
    assert alone.shares == []
    assert breakdowns(engine(), ME, []) == []


@pytest.mark.parametrize(
    ("article", "changes", "expected"),
    [
        ("never met", {}, Absence.UNKNOWN),
        ("old", {}, Absence.TOO_OLD),
        ("hot", {"category": "world"}, Absence.SECTION),
        ("read", {}, Absence.SEEN),
        ("cold", {}, Absence.NO_VECTOR),
    ],
)
def test_the_reason_of_a_missing_article(article: str, changes: dict[str, str], expected: Absence) -> None:
    dated = replace(engine(), limits=FeedLimits(max_age_days=5))
    if article == "read":
        read = articles_frame([_article("read", NOW - HOUR)])
        dated.state.upsert_articles(read)
    assert absence(dated, replace(ME, **changes), article) is expected  # type: ignore[arg-type]


def test_a_ban_and_a_mute_are_reasons() -> None:
    plain = engine()
    ban = Rule(
        id="b",
        kind=RuleKind.BAN,
        field=MatchField.ARTICLE,
        match="cold",
        starts_at=0,
        created_at=0,
        created_by="k",
    )
    frame = articles_frame([_article("cold", NOW - HOUR)])
    banned = replace(plain, rules=RuleBook.of([ban], plain.state, frame))
    assert absence(banned, ME, "cold") is Absence.BANNED
    muting = ReaderLookups(preferences=lambda _reader, _before: Preferences(mute=frozenset({"world"})))
    assert absence(replace(plain, lookups=muting), ME, "cold") is Absence.MUTED


def test_embargo_and_expiry_come_before_other_reasons() -> None:
    made = engine()
    made.state.upsert_articles(
        articles_frame([_article("later", NOW + DAY), _article("gone", NOW - DAY, NOW - 1)])
    )
    assert absence(made, ME, "later") is Absence.EMBARGO
    assert absence(made, ME, "gone") is Absence.EXPIRED


def test_an_article_far_beyond_the_ages_of_the_log_is_named_so() -> None:
    made = engine()
    made.state.upsert_articles(articles_frame([_article("aged", NOW - 10 * HOUR)]))
    knowing = replace(
        made,
        limits=FeedLimits(),
        models=replace(made.models, ages=AgeSupport(SupportedAges(4.0, 0.1), {})),
    )
    assert absence(knowing, ME, "aged") is Absence.BEYOND_LOG
    limited = replace(
        knowing, limits=FeedLimits(max_age_days=5)
    )  # the limit of the publisher replaces the learned one
    assert absence(limited, ME, "aged") is Absence.NO_VECTOR


def _article(id_: str, published: int, expires: int | None = None) -> Article:
    return Article(id=id_, title=id_, category="world", published_at=published, expires_at=expires)
