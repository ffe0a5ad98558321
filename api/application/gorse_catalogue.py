"""Use-cases of Gorse items: visible items are articles, hidden ones are stored only as item records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.application.context import Application
from api.application.ingestion import put_articles
from api.application.iso_time import to_iso
from ingest.event_rows import Rejected
from recsys.domain import Article
from recsys.records import FieldType, fields_of
from recsys.store import articles, gorse_items
from recsys.store.database import Connection
from recsys.store.gorse_items import ItemRecord


@dataclass(frozen=True, slots=True)
class Item:
    """A Gorse item. article: columns of the article by name, times as ISO 8601."""

    record: ItemRecord
    article: dict[str, Any]
    hidden: bool = False


def find_items(app: Application, ids: Sequence[str]) -> list[Item]:
    """Return the stored items of `ids`, in their order."""
    with app.database.read() as connection:
        stored = {row["id"]: row for row in articles.get(connection, ids).iter_rows(named=True)}
        records = gorse_items.get(connection, ids)
    found = []
    for id_ in ids:
        record, article = records.get(id_), stored.get(id_)
        if article is not None:
            found.append(Item(record or _record_from(article), _with_iso_times(article)))
        elif record is not None and record.hidden is not None:
            found.append(Item(record, record.hidden, hidden=True))
    return found


def list_items(app: Application, after: str, count: int, text: str) -> list[Item]:
    """Return `count` items by id, after the id `after`; with `text`, only those whose comment contains it."""
    with app.database.read() as connection:
        ids = gorse_items.page(connection, after, count, text)
    return find_items(app, ids)


def put_items(app: Application, items: Sequence[Item]) -> list[Rejected]:
    """Store items; return the rejected rows, whose index counts only visible items. All others are stored."""
    visible = [item.article for item in items if not item.hidden]
    rejected = put_articles(app, visible).rejected if visible else []
    bad = {visible[row.index]["id"] for row in rejected}
    with app.database.write() as connection:
        _save_records(connection, [item for item in items if item.record.id not in bad])
    app.articles_changed()
    return rejected


def delete_item(app: Application, id_: str) -> bool:
    """Delete an item; return False if there is none of that id."""
    with app.database.write() as connection:
        article = articles.delete(connection, id_)
        record = gorse_items.delete(connection, id_)
    app.articles_changed()
    return bool(article or record)


def _save_records(connection: Connection, items: Sequence[Item]) -> None:
    records = []
    for item in items:
        record, columns = item.record, None
        if item.hidden:
            articles.delete(connection, record.id)
            columns = {name: value for name, value in item.article.items() if value is not None}
        records.append(ItemRecord(record.id, record.labels, record.categories, record.comment, columns))
    gorse_items.save(connection, records)


def _record_from(article: dict[str, Any]) -> ItemRecord:
    """Return the item record of an article that was not stored as an item."""
    categories = tuple(article[name] for name in ("category", "subcategory") if article[name])
    return ItemRecord(article["id"], article["entities"] or [], categories, article["title"])


def _with_iso_times(article: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of an article with its times as ISO 8601."""
    times = [field.name for field in fields_of(Article) if field.type == FieldType.TIME]
    return {**article, **{name: to_iso(article[name]) for name in times if article[name] is not None}}
