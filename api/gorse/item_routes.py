"""/api/item, /api/items."""

from typing import Annotated

from fastapi import Body

from api.gorse import gorse_cursors, item_catalog
from api.gorse.gorse_schemas import MAX_ROWS, ItemIn, ItemOut, ItemPage, ItemPatch, Success
from api.gorse.parameters import CategoryPath, Cursor, Item, N, gorse
from api.http.dependencies import Service
from api.http.openapi import problems
from api.http.security.scopes import Scope

read = gorse("items", Scope.READ)
write = gorse("items", Scope.WRITE)


@write.post("/item")
def insert_item(service: Service, body: ItemIn) -> Success:
    """Store an item; it is searchable within seconds, unless it is hidden."""
    return Success(RowAffected=item_catalog.insert(service, [body]))


@write.post("/items")
def insert_items(service: Service, body: Annotated[list[ItemIn], Body(max_length=MAX_ROWS)]) -> Success:
    """Store items; the last of an id holds."""
    return Success(RowAffected=item_catalog.insert(service, body))


@read.get("/items")
def items(service: Service, n: N = 10, cursor: Cursor = "", q: Cursor = "") -> ItemPage:
    """All items, hidden ones too, by id; with `q` only those that say it in their comment."""
    after = gorse_cursors.decode(cursor, 1) or ("",)
    found = item_catalog.page(service, after[0], n, q)
    return ItemPage(Cursor=gorse_cursors.encode(found[-1].ItemId) if n and len(found) == n else "", Items=found)


@read.get("/item/{item}", responses=problems(404))
def item(service: Service, item: Item) -> ItemOut:
    """An item."""
    item_catalog.one(service, item)
    return item_catalog.found(service, [item])[0]


@write.patch("/item/{item}", responses=problems(404))
def change_item(service: Service, item: Item, body: ItemPatch) -> Success:
    """Change what is named."""
    item_catalog.change(service, item, body)
    return Success(RowAffected=1)


@write.delete("/item/{item}")
def delete_item(service: Service, item: Item) -> Success:
    """Delete an item: it is recommended no more. What users did with it stays."""
    return Success(RowAffected=item_catalog.delete(service, item))


@write.put("/item/{item}/category/{category}", responses=problems(404))
def add_category(service: Service, item: Item, category: CategoryPath) -> Success:
    """Put an item into a category, if it is not there."""
    return _recategorised(service, item, category, wanted=True)


@write.delete("/item/{item}/category/{category}", responses=problems(404))
def remove_category(service: Service, item: Item, category: CategoryPath) -> Success:
    """Take an item out of a category."""
    return _recategorised(service, item, category, wanted=False)


def _recategorised(service: Service, item: str, category: str, wanted: bool) -> Success:
    has = list(item_catalog.one(service, item)[0].categories)
    others = [each for each in has if each != category]
    after = [*others, category] if wanted and category not in has else has if wanted else others
    if after != has:
        item_catalog.change(service, item, ItemPatch(Categories=after))
    return Success(RowAffected=int(after != has))
