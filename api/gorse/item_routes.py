"""/api/item and /api/items."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Body

from api.application import gorse_catalogue
from api.application.gorse_catalogue import ChangedItem
from api.application.gorse_catalogue import Item as StoredItem
from api.application.scopes import Scope
from api.gorse import gorse_cursors
from api.gorse.gorse_schemas import MAX_ROWS, ItemIn, ItemOut, ItemPage, ItemPatch, Success, micros
from api.gorse.item_conversion import article_of, item_out, patched, record_of
from api.gorse.parameters import CategoryPath, Cursor, Item, N, gorse
from api.http.dependencies import App
from api.http.openapi import problems
from api.http.problems import HTTPProblem, rows_rejected

read = gorse("items", Scope.READ)
write = gorse("items", Scope.WRITE)


@write.post("/item")
def insert_item(app: App, body: ItemIn) -> Success:
    """Store an item; it is searchable within seconds, unless it is hidden."""
    return insert_items(app, [body])


@write.post("/items")
def insert_items(app: App, body: Annotated[list[ItemIn], Body(max_length=MAX_ROWS)]) -> Success:
    """Store items; of equal ids the last one counts. A hidden item stays hidden unless `IsHidden` is false."""
    last = {item.ItemId: item for item in body}.values()
    records = ((record_of(item), micros(item.Timestamp), item.IsHidden) for item in last)
    _put(app, [ChangedItem(record, article_of(record, at), hidden) for record, at, hidden in records])
    return Success(RowAffected=len(body))


@read.get("/items")
def items(app: App, n: N = 10, cursor: Cursor = "", q: Cursor = "") -> ItemPage:
    """List all items by id, also hidden ones; with `q` only those whose comment contains it."""
    after = gorse_cursors.decode(cursor, 1) or ("",)
    found = [item_out(item) for item in gorse_catalogue.list_items(app, after[0], n, q)]
    last = gorse_cursors.encode(found[-1].ItemId) if n and len(found) == n else ""
    return ItemPage(Cursor=last, Items=found)


@read.get("/item/{item}", responses=problems(404))
def item(app: App, item: Item) -> ItemOut:
    """Return an item."""
    return item_out(_one(app, item))


@write.patch("/item/{item}", responses=problems(404))
def change_item(app: App, item: Item, body: ItemPatch) -> Success:
    """Change the given fields of an item; fields that only /v1 has do not change."""
    old = _one(app, item)
    record = patched(old.record, body)
    changes = article_of(record, micros(body.Timestamp))
    if body.Comment is None:
        del changes["title"]  # it may differ from the comment
    _put(app, [ChangedItem(record, {**old.article, **changes}, body.IsHidden)])
    return Success(RowAffected=1)


@write.delete("/item/{item}")
def delete_item(app: App, item: Item) -> Success:
    """Delete an item and its content: it is not recommended until it is stored with `IsHidden` false."""
    return Success(RowAffected=int(gorse_catalogue.delete_item(app, item)))


@write.put("/item/{item}/category/{category}", responses=problems(404))
def add_category(app: App, item: Item, category: CategoryPath) -> Success:
    """Add a category to an item; if the item has it already, nothing changes."""
    return _recategorize(app, item, category, present=True)


@write.delete("/item/{item}/category/{category}", responses=problems(404))
def remove_category(app: App, item: Item, category: CategoryPath) -> Success:
    """Remove a category from an item."""
    return _recategorize(app, item, category, present=False)


def _recategorize(app: App, item: str, category: str, present: bool) -> Success:
    before = list(_one(app, item).record.categories)
    others = [each for each in before if each != category]
    after = [*others, category] if present and category not in before else before if present else others
    if after != before:
        change_item(app, item, ItemPatch(Categories=after))
    return Success(RowAffected=int(after != before))


def _one(app: App, item: str) -> StoredItem:
    found = gorse_catalogue.find_items(app, [item])
    if not found:
        raise HTTPProblem(404, "There is no such item", "no item with that id is stored")
    return found[0]


def _put(app: App, items: Sequence[ChangedItem]) -> None:
    rejected = gorse_catalogue.put_items(app, items)
    if rejected:
        raise rows_rejected(f"item {items[rejected[0].index].record.id!r}", rejected)
