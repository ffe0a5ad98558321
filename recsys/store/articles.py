"""Articles: bulk upsert, and reading their columns back."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.frames import ARTICLES, conform
from recsys.store import bulk_insert, event_log
from recsys.store.conflict_insert import insert
from recsys.store.tables import articles, deleted_articles

_SEPARATOR = "\x1f"
_LIST_COLUMNS = [name for name, kind in ARTICLES.items() if isinstance(kind, pl.List)]


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of the articles handed to `upsert`."""

    stored: int
    updated: int
    duplicate: int


def upsert(connection: Connection, frame: pl.DataFrame) -> Upserted:
    """Store articles with the columns of `frames.ARTICLES`; the newest content of an id wins.

    Unchanged articles are left alone, so `revision` tells who changed.
    """
    if frame.is_empty():
        return Upserted(0, 0, 0)
    event_log.lock(connection)  # one writer at a time, so that a later revision is never visible first
    revision = last_revision(connection) + 1
    rows = bulk_insert.lists_to_json(conform(frame, ARTICLES)).unique("id", keep="last", maintain_order=True)
    rows = rows.with_columns(_content_hash(rows), revision=pl.lit(revision, dtype=pl.Int64))
    staged = bulk_insert.stage(connection, articles, rows)
    known = sa.select(articles.c.content_hash, staged.c.content_hash).join(staged, staged.c.id == articles.c.id)
    pairs = connection.execute(known).fetchall()
    updated = sum(old != new for old, new in pairs)
    _write(connection, staged)
    again = deleted_articles.c.id.in_(sa.select(staged.c.id))
    connection.execute(sa.delete(deleted_articles).where(again))
    return Upserted(rows.height - len(pairs), updated, frame.height - rows.height + len(pairs) - updated)


def known_ids(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Which of `ids` are stored articles."""
    wanted = bulk_insert.stage(connection, articles, pl.DataFrame({"id": list(ids)}, schema={"id": pl.String}))
    query = sa.select(articles.c.id).join(wanted, wanted.c.id == articles.c.id)
    return set(connection.execute(query).scalars())


def changed_since(connection: Connection, revision: int, with_body: bool = False) -> tuple[pl.DataFrame, int]:
    """Articles stored or changed after `revision` (columns of `frames.ARTICLES`, by id), and the newest one.

    `body` stays null unless asked for: it is most of the bytes, and only text work needs it.
    """
    names = [name for name in ARTICLES if with_body or name != "body"]
    query = sa.select(*(articles.c[name] for name in names), articles.c.revision)
    # ordered here: asked for an order by id, SQLite would read all articles, every second, to find the new ones
    rows = connection.execute(query.where(articles.c.revision > revision)).fetchall()
    schema = {**{name: _stored_type(name) for name in names}, "revision": pl.Int64()}
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("id")
    newest = frame["revision"].max() if frame.height else revision
    assert isinstance(newest, int), "revisions are integers"
    return conform(_decode(frame), ARTICLES), newest


def get(connection: Connection, ids: Sequence[str]) -> pl.DataFrame:
    """The articles among `ids` that are stored (columns of `frames.ARTICLES`), in the order of `ids`."""
    query = sa.select(*(articles.c[name] for name in ARTICLES)).where(articles.c.id.in_(ids))
    schema = {name: _stored_type(name) for name in ARTICLES}
    found = _decode(pl.DataFrame(connection.execute(query).fetchall(), schema=schema, orient="row"))
    order = pl.DataFrame({"id": list(ids)}, schema={"id": pl.String})
    return order.join(found, on="id", how="inner", maintain_order="left")


def count(connection: Connection) -> int:
    """How many articles are stored."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(articles)).scalar_one())


def content_hashes(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Id → hash of the content of those of `ids` that are stored; it changes with any column."""
    query = sa.select(articles.c.id, articles.c.content_hash).where(articles.c.id.in_(ids))
    return {row.id: row.content_hash for row in connection.execute(query)}


def last_revision(connection: Connection) -> int:
    """The newest revision given, to an article stored, changed or deleted."""
    newest = (sa.select(sa.func.max(table.c.revision)) for table in (articles, deleted_articles))
    return max(connection.execute(query).scalar_one() or 0 for query in newest)


def _stored_type(name: str) -> pl.DataType:
    return pl.String() if name in _LIST_COLUMNS else ARTICLES[name]


def _decode(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(name).str.json_decode(ARTICLES[name]) for name in _LIST_COLUMNS)


def _content_hash(rows: pl.DataFrame) -> pl.Series:
    """Hash the names and values of what is not null, so that a new field leaves the articles without it unchanged."""
    fields = (pl.lit(f"{name}=") + pl.col(name).cast(pl.String) for name in rows.columns)
    texts = rows.select(pl.concat_str(fields, separator=_SEPARATOR, ignore_nulls=True)).to_series()
    hashes = [hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in texts.to_list()]
    return pl.Series("content_hash", hashes, dtype=pl.String)


def _write(connection: Connection, staged: sa.Table) -> None:
    columns = [column for column in staged.c if column.name != bulk_insert.ROW]
    rows = sa.select(*columns).where(sa.true())
    statement = insert(connection, articles).from_select([column.name for column in columns], rows)
    changes = {name: statement.excluded[name] for name in (column.name for column in columns) if name != "id"}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_=changes,
            where=articles.c.content_hash != statement.excluded.content_hash,
        )
    )
