"""Conversion between Gorse items and articles."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from api.application.gorse_catalogue import Item
from api.application.iso_time import to_iso
from api.gorse.gorse_schemas import ItemIn, ItemOut, ItemPatch
from recsys.store.gorse_items import ItemRecord

_LONGEST_TITLE = 2_000
_MOST_ENTITIES = 100
_LONGEST_ENTITY = 100


def record_of(item: ItemIn) -> ItemRecord:
    """Return the part of an item that is stored beside the article."""
    return ItemRecord(item.ItemId, item.Labels, tuple(item.Categories), item.Comment)


def article_of(record: ItemRecord, published_at: int | None) -> dict[str, Any]:
    """Return the article of an item; its title is the comment, or the id if that is blank."""
    category, subcategory, *_ = (*record.categories, None, None)
    article: dict[str, Any] = {
        "id": record.id,
        "title": record.comment.strip()[:_LONGEST_TITLE] or record.id,
        "category": category,
        "subcategory": subcategory,
        "entities": list(dict.fromkeys(_texts(record.labels)))[:_MOST_ENTITIES],
    }
    return article if published_at is None else article | {"published_at": to_iso(published_at)}


def patched(record: ItemRecord, patch: ItemPatch) -> ItemRecord:
    """Return `record` with the changes of `patch`."""
    changes: dict[str, Any] = {}
    if patch.Labels is not None:
        changes["labels"] = patch.Labels
    if patch.Categories is not None:
        changes["categories"] = tuple(patch.Categories)
    if patch.Comment is not None:
        changes["comment"] = patch.Comment
    return replace(record, **changes)


def item_out(item: Item) -> ItemOut:
    """Return an item as Gorse's API shows it."""
    record, published = item.record, item.article.get("published_at")
    return ItemOut(
        ItemId=record.id,
        IsHidden=item.hidden,
        Labels=record.labels,
        Categories=list(record.categories),
        Timestamp=to_iso(published) if isinstance(published, int) else published or "",
        Comment=record.comment,
    )


def _texts(labels: Any) -> Iterator[str]:
    """Yield all texts in labels of any shape that can be entities."""
    remaining = [labels]
    while remaining:
        label = remaining.pop()
        if isinstance(label, str):
            if label.strip() and "\0" not in label and len(label) <= _LONGEST_ENTITY:
                yield label
        elif isinstance(label, dict):
            remaining += reversed(label.values())
        elif isinstance(label, list):
            remaining += reversed(label)
