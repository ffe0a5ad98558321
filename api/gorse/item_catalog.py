"""Items in the store: as articles while they are shown, in their records while they are hidden."""

from collections.abc import Sequence
from typing import Any

from api.gorse.gorse_schemas import ItemIn, ItemOut, ItemPatch, micros
from api.gorse.item_conversion import article_of, item_out, patched, record_from, record_of
from api.http.iso_time import to_iso
from api.http.problems import HTTPProblem
from ingest.http_ingest import store_articles
from recsys.serving.feed_service import FeedService
from recsys.store import articles, gorse_items, withdrawn
from recsys.store.database import Connection
from recsys.store.gorse_items import ItemRecord

_Article = dict[str, Any]


def insert(service: FeedService, items: Sequence[ItemIn]) -> int:
    """Store items; the last of an id holds. Returns how many were sent."""
    last = {item.ItemId: item for item in items}.values()
    rows = ((record_of(item), micros(item.Timestamp), item.IsHidden) for item in last)
    _store(service, [(record, article_of(record, at), hidden) for record, at, hidden in rows])
    return len(items)


def found(service: FeedService, ids: Sequence[str]) -> list[ItemOut]:
    """The items among `ids`, in their order."""
    return [item_out(*pair) for pair in _pairs(service, ids)]


def page(service: FeedService, after: str, count: int, text: str) -> list[ItemOut]:
    """`count` items by id, behind `after`; with `text` in them, if it is not empty."""
    with service.database.read() as connection:
        ids = gorse_items.page(connection, after, count, text)
    return found(service, ids)


def change(service: FeedService, id_: str, patch: ItemPatch) -> None:
    """Change what `patch` names of an item; what /v1 told of it besides stays.

    Raises:
        Refusal: 404, there is no such item.
    """
    record, article = one(service, id_)
    new = patched(record, patch)
    told = article_of(new, micros(patch.Timestamp))
    if patch.Comment is None:
        del told["title"]  # it may be another than the comment
    hidden = record.hidden is not None if patch.IsHidden is None else patch.IsHidden
    _store(service, [(new, {**article, **told}, hidden)])


def delete(service: FeedService, id_: str) -> int:
    """Delete an item; returns how many there were of that id."""
    with service.database.write() as connection:
        gone = withdrawn.delete_article(connection, id_)
        kept = gorse_items.delete(connection, id_)
    service.articles_changed()
    return int(gone or kept)


def one(service: FeedService, id_: str) -> tuple[ItemRecord, _Article]:
    """An item and its article.

    Raises:
        Refusal: 404, there is no such item.
    """
    pairs = _pairs(service, [id_])
    if not pairs:
        raise HTTPProblem(404, "There is no such item", "no item of that id is stored")
    return pairs[0]


def _pairs(service: FeedService, ids: Sequence[str]) -> list[tuple[ItemRecord, _Article]]:
    with service.database.read() as connection:
        stored = {row["id"]: row for row in articles.get(connection, ids).iter_rows(named=True)}
        records = gorse_items.get(connection, ids)
    pairs = []
    for id_ in ids:
        record, article = records.get(id_), stored.get(id_)
        if article is not None:
            pairs.append((record or record_from(article), _dated(article)))
        elif record is not None and record.hidden is not None:
            pairs.append((record, record.hidden))
    return pairs


def _dated(article: _Article) -> _Article:
    published = article["published_at"]
    return {**article, "published_at": None if published is None else to_iso(published)}


def _store(service: FeedService, rows: Sequence[tuple[ItemRecord, _Article, bool]]) -> None:
    shown = [article for _, article, hidden in rows if not hidden]
    if shown:
        received = store_articles(service.database, shown, service.clock.next())
        if received.rejected:
            bad = {shown[row.index]["id"] for row in received.rejected}
            rows = [row for row in rows if row[0].id not in bad]
    with service.database.write() as connection:
        _keep(connection, rows)
    service.articles_changed()
    if shown and received.rejected:
        first = received.rejected[0]
        raise refused(f"item {shown[first.index]['id']!r}", first.reason, len(received.rejected))


def refused(first: str, reason: str, count: int) -> HTTPProblem:
    """What is told when the store rejects `count` rows, the `first` of them for `reason`."""
    others = f" and {count - 1} more" if count > 1 else ""
    return HTTPProblem(422, "Not all rows were stored", f"{first}{others}: {reason}; the others are stored")


def _keep(connection: Connection, rows: Sequence[tuple[ItemRecord, _Article, bool]]) -> None:
    records = []
    for record, article, hidden in rows:
        if hidden:
            withdrawn.delete_article(connection, record.id)
        kept = {name: value for name, value in article.items() if value is not None} if hidden else None
        records.append(ItemRecord(record.id, record.labels, record.categories, record.comment, kept))
    gorse_items.save(connection, records)
