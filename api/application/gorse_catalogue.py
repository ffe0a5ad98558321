"""Use-cases of Gorse items. An item is an article with an item record; a hidden item is a withdrawn article."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.application.context import Application
from api.application.ingestion import put_articles
from api.application.iso_time import to_iso
from ingest.event_rows import Rejected
from recsys.domain import Article
from recsys.records import FieldType, fields_of
from recsys.store import articles, gorse_items, withdrawals
from recsys.store.gorse_items import ItemRecord


@dataclass(frozen=True, slots=True)
class Item:
    """A stored Gorse item. article: columns of the article by name, times as ISO 8601."""

    record: ItemRecord
    article: dict[str, Any]
    hidden: bool


@dataclass(frozen=True, slots=True)
class ChangedItem:
    """A Gorse item to store. hidden: True hides it, False shows it, None leaves it as it is."""

    record: ItemRecord
    article: dict[str, Any]
    hidden: bool | None = None


def find_items(app: Application, ids: Sequence[str]) -> list[Item]:
    """Return the stored items of `ids`, in their order."""
    with app.database.read() as connection:
        stored = articles.get(connection, ids, with_withdrawn=True).to_dicts()
        records = gorse_items.get(connection, ids)
        hidden = withdrawals.withdrawn(connection, ids)
    return [
        Item(records.get(row["id"]) or _record_from(row), _with_iso_times(row), row["id"] in hidden)
        for row in stored
    ]


def list_items(app: Application, after: str, count: int, text: str) -> list[Item]:
    """Return `count` items by id, after the id `after`; with `text`, only those whose comment contains it."""
    with app.database.read() as connection:
        ids = gorse_items.page(connection, after, count, text)
    return find_items(app, ids)


def put_items(app: Application, items: Sequence[ChangedItem]) -> list[Rejected]:
    """Store items; return the rejected ones. All others are stored."""
    with app.database.write() as connection:  # before the content, so that no feed shows a hidden item meanwhile
        hidden = withdrawals.withdraw(connection, [item.record.id for item in items if item.hidden])
    rejected = put_articles(app, [item.article for item in items]).rejected
    bad = {items[row.index].record.id for row in rejected}
    shown = [item.record.id for item in items if item.hidden is False and item.record.id not in bad]
    with app.database.write() as connection:
        gorse_items.save(connection, [item.record for item in items if item.record.id not in bad])
        withdrawals.restore(connection, [*shown, *bad.intersection(hidden)])
    app.articles_changed()
    return rejected


def delete_item(app: Application, id_: str) -> bool:
    """Delete an item and the content of its article; return False if there is none of that id."""
    with app.database.write() as connection:
        article = articles.delete(connection, id_)
        record = gorse_items.delete(connection, id_)
    app.articles_changed()
    return bool(article or record)


def _record_from(article: dict[str, Any]) -> ItemRecord:
    """Return the item record of an article that was not stored as an item."""
    categories = tuple(article[name] for name in ("category", "subcategory") if article[name])
    return ItemRecord(article["id"], article["entities"] or [], categories, article["title"])


def _with_iso_times(article: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of an article with its times as ISO 8601."""
    times = [field.name for field in fields_of(Article) if field.type == FieldType.TIME]
    return {**article, **{name: to_iso(article[name]) for name in times if article[name] is not None}}
