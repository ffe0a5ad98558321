"""Rules, and engines that follow them."""

from dataclasses import replace
from typing import Any

from recsys.domain import DAY, FeedRequest, MatchField, RankedItem, Rule, RuleKind
from recsys.editorial.rule_book import RuleBook
from recsys.feed.engine import FeedEngine
from recsys.frames import articles_frame
from tests.unit.feed.newsrooms import NOW


def a_rule(kind: str, field: str, match: str, **changes: Any) -> Rule:
    given = {"id": f"{kind}-{match}", "starts_at": NOW - DAY, "created_at": NOW - DAY, "created_by": "cli"}
    return Rule(kind=RuleKind(kind), field=MatchField(field), match=match, **{**given, **changes})


def with_rules(of: FeedEngine, articles: list[Any], *rules: Rule) -> FeedEngine:
    """The same engine, which follows `rules`."""
    return replace(of, rules=RuleBook.of(rules, of.state, articles_frame(articles)))


def feed(of: FeedEngine, request_id: str = "q", **requested: Any) -> list[RankedItem]:
    given = {"as_of": NOW, "reader": "r", "limit": 10, "explain": False}
    request = FeedRequest(request_id=request_id, **{**given, **requested})  # type: ignore[arg-type]
    return list(of.recommend(request).ranking.items)


def ids(items: list[RankedItem]) -> list[str]:
    return [item.id for item in items]
