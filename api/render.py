"""Rankings → response bodies."""

from typing import Any

import polars as pl

from api.schemas import ArticleOut, FeedItemOut, FeedOut, RankedItemOut, RankOut, ReasonOut
from api.times import to_iso
from recsys.domain import RankedItem, Ranking
from recsys.feed.pages import FeedPage


def feed_out(page: FeedPage, reader: str, articles: pl.DataFrame) -> FeedOut:
    """A page with what a page needs of its articles (columns of `frames.ARTICLES`)."""
    by_id = {row["id"]: row for row in articles.iter_rows(named=True)}
    ranking = page.ranking
    return FeedOut(
        request_id=ranking.request_id,
        reader=reader,
        model=ranking.model,
        as_of=to_iso(ranking.as_of),
        cursor=page.cursor,
        items=[_feed_item(item, by_id[item.id]) for item in ranking.items if item.id in by_id],
    )


def rank_out(ranking: Ranking) -> RankOut:
    """A ranking of candidates."""
    items = [RankedItemOut(id=item.id, score=item.score, reasons=_reasons(item)) for item in ranking.items]
    return RankOut(request_id=ranking.request_id, model=ranking.model, as_of=to_iso(ranking.as_of), items=items)


def _feed_item(item: RankedItem, article: dict[str, Any]) -> FeedItemOut:
    published = article["published_at"]
    return FeedItemOut(
        id=item.id,
        score=item.score,
        position=item.position,
        source=item.source,
        propensity=item.propensity,
        minutes=None if item.minutes is None else round(item.minutes, 1),
        article=ArticleOut(
            title=article["title"],
            abstract=article["abstract"],
            category=article["category"],
            subcategory=article["subcategory"],
            source=article["source"],
            url=article["url"],
            published_at=None if published is None else to_iso(published),
        ),
        reasons=_reasons(item),
    )


def _reasons(item: RankedItem) -> list[ReasonOut]:
    return [ReasonOut(kind=r.kind, text=r.text, article=r.article, weight=r.weight) for r in item.reasons]
