"""Rankings → response bodies."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from api.application.iso_time import to_iso
from api.http.reason_texts import reason_text
from api.http.record_fields import body_values
from api.http.schemas import (
    ActingRuleOut,
    AlsoOut,
    ArticleListOut,
    ArticleOut,
    BriefOut,
    BriefSentenceOut,
    FeedItemOut,
    FeedOut,
    FullArticleOut,
    ListItemOut,
    RankedItemOut,
    RankOut,
    ReasonOut,
)
from recsys.digest.article_brief import ArticleBrief
from recsys.domain import Article, RankedItem, Ranking, Rule
from recsys.serving.article_cache import SUMMARY, ArticleSummary
from recsys.serving.pagination import FeedPage


def feed_out(
    page: FeedPage,
    reader: str,
    summaries: Mapping[str, ArticleSummary],
    warnings: list[str],
    language: str,
    briefs: Mapping[str, str] = MappingProxyType({}),
) -> FeedOut:
    """Serialise a page of a feed, with summaries and briefs of its articles by id, and reasons in `language`."""
    ranking = page.ranking
    return FeedOut(
        request_id=ranking.request_id,
        reader=reader,
        model=ranking.model,
        as_of=to_iso(ranking.as_of),
        cursor=page.cursor,
        degraded=ranking.degraded,
        items=[
            _feed_item(item, summaries, language, briefs.get(item.id))
            for item in ranking.items
            if item.id in summaries
        ],
        warnings=warnings,
    )


def rank_out(ranking: Ranking, warnings: list[str], language: str) -> RankOut:
    """Serialise a ranking of candidates, with reasons in `language`."""
    items = [
        RankedItemOut(id=item.id, score=item.score, reasons=_reasons(item, language)) for item in ranking.items
    ]
    return RankOut(
        request_id=ranking.request_id,
        model=ranking.model,
        as_of=to_iso(ranking.as_of),
        degraded=ranking.degraded,
        items=items,
        warnings=warnings,
    )


def articles_out(articles: Sequence[Mapping[str, Any]], as_of: int) -> ArticleListOut:
    """Serialise a list of `articles` (columns of `frames.ARTICLES`), in their order."""
    items = [ListItemOut(id=row["id"], article=_article(row)) for row in articles]
    return ArticleListOut(as_of=to_iso(as_of), items=items)


def full_article_out(row: dict[str, Any]) -> FullArticleOut:
    """Serialise an article with all columns of `frames.ARTICLES`."""
    return FullArticleOut(**body_values(Article, row))


def brief_out(article: str, brief: ArticleBrief) -> BriefOut:
    """Serialise the brief of an article."""
    sentences = [BriefSentenceOut(text=s.text, weight=s.weight, start=s.start, end=s.end) for s in brief.sentences]
    return BriefOut(article=article, sentences=sentences, seconds=brief.seconds, of=brief.of)


def _article(row: Mapping[str, Any]) -> ArticleOut:
    return ArticleOut(**body_values(Article, row, shown=True))


def _feed_item(
    item: RankedItem, summaries: Mapping[str, ArticleSummary], language: str, brief: str | None
) -> FeedItemOut:
    return FeedItemOut(
        id=item.id,
        score=item.score,
        position=item.position,
        source=item.source,
        propensity=item.propensity,
        minutes=None if item.minutes is None else round(item.minutes, 1),
        article=_of_summary(summaries[item.id]),
        reasons=_reasons(item, language),
        story=item.story or item.id,
        also_in=[_also(summaries[id_]) for id_ in item.also_in if id_ in summaries],
        rules=[_acting(rule) for rule in item.rules],
        tldr=brief,
    )


def _acting(rule: Rule) -> ActingRuleOut:
    return ActingRuleOut(id=rule.id, kind=rule.kind, log_odds=rule.log_odds or None, place=rule.place)


def _also(summary: ArticleSummary) -> AlsoOut:
    fields = dict(zip(SUMMARY, summary, strict=True))
    return AlsoOut(**{name: fields[name] for name in AlsoOut.model_fields})


@lru_cache(maxsize=4_096)
def _of_summary(summary: ArticleSummary) -> ArticleOut:
    """Return the summary of an article; cached, since an article is in many feeds."""
    return _article(dict(zip(SUMMARY, summary, strict=True)))


def _reasons(item: RankedItem, language: str) -> list[ReasonOut]:
    return [
        ReasonOut(
            kind=reason.kind,
            code=reason.code,
            params=dict(reason.params),
            text=reason_text(reason, language),
            article=reason.article,
            weight=reason.weight,
        )
        for reason in item.reasons
    ]
