"""Articles: bulk upsert, and queries of their columns. Withdrawn articles are stored, but not returned."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.frames import ARTICLES, conform
from recsys.language_codes import counts_by_language
from recsys.language_detection import detect_languages
from recsys.store import bulk_insert
from recsys.store.id_arrays import rows_of
from recsys.store.revisions import next_revision
from recsys.store.tables import articles
from recsys.store.withdrawals import is_shown, withdraw, withdrawn_since

_LONG = ("body", "markup")
_SEPARATOR = "\x1f"
_LIST_COLUMNS = [name for name, kind in ARTICLES.items() if isinstance(kind, pl.List)]


@dataclass(frozen=True, slots=True)
class Upserted:
    """Outcome of `upsert`: number of articles stored, updated and unchanged."""

    stored: int
    updated: int
    duplicate: int


def upsert(connection: Connection, frame: pl.DataFrame) -> Upserted:
    """Store articles with the columns of `frames.ARTICLES`. The newest content of an id wins.

    Without `word_count`, the words of the body are counted, and a missing language is detected where that is sure:
    here, so that all sources agree. Both are stored like given values, and the content hash has them.
    Unchanged articles keep their `revision`, so it shows which articles changed. Withdrawn ones stay withdrawn.
    """
    if frame.is_empty():
        return Upserted(0, 0, 0)
    rows = bulk_insert.lists_to_json(conform(frame, ARTICLES)).unique("id", keep="last", maintain_order=True)
    rows = _with_languages(rows.with_columns(word_count=_word_count()))
    revision = next_revision(connection)  # takes the lock
    rows = rows.with_columns(_content_hash(rows), revision=pl.lit(revision, dtype=pl.Int64))
    staged = bulk_insert.stage(connection, articles, rows)
    stored = sa.select(articles.c.content_hash, staged.c.content_hash).join(staged, staged.c.id == articles.c.id)
    pairs = connection.execute(stored).fetchall()
    updated = sum(old != new for old, new in pairs)
    bulk_insert.upsert(connection, articles, staged, "id", only="content_hash")
    return Upserted(rows.height - len(pairs), updated, frame.height - rows.height + len(pairs) - updated)


def known_ids(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Return those of `ids` that are stored articles and not withdrawn."""
    if not ids:
        return set()
    return set(rows_of(connection, sa.select(articles.c.id).where(is_shown()), articles.c.id, ids).scalars())


def upserted_since(connection: Connection, revision: int, with_body: bool = False) -> tuple[pl.DataFrame, int]:
    """Return the articles stored, changed or restored after `revision`, sorted by id, and the newest revision.

    Columns are those of `frames.ARTICLES`. `body` and `markup` are null unless `with_body`: they are most of the
    bytes, and only text processing needs them.
    """
    names = [name for name in ARTICLES if with_body or name not in _LONG]
    query = sa.select(*(articles.c[name] for name in names), articles.c.revision)
    # sorted here: with ORDER BY id, SQLite would scan all articles on every poll to find the new ones
    rows = connection.execute(query.where(articles.c.revision > revision, is_shown())).fetchall()
    schema = {**{name: _stored_type(name) for name in names}, "revision": pl.Int64()}
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("id")
    newest = frame["revision"].max() if frame.height else revision
    assert isinstance(newest, int), "revisions are integers"
    return conform(_decode(frame), ARTICLES), newest


@dataclass(frozen=True, slots=True)
class ArticleChanges:
    """Changes of the catalogue after a revision: rows (`frames.ARTICLES`), withdrawn ids, and the newest revision.

    Events about a withdrawn article stay in the log.
    """

    upserted: pl.DataFrame
    withdrawn: list[str]
    revision: int


def changes_since(connection: Connection, revision: int) -> ArticleChanges:
    """Return the articles stored, changed or withdrawn after `revision`; 0 gives the whole catalogue."""
    withdrawn, last_withdrawn = withdrawn_since(connection, revision)
    upserted, last_upserted = upserted_since(connection, revision)
    return ArticleChanges(upserted, withdrawn, max(last_withdrawn, last_upserted))


def delete(connection: Connection, id_: str) -> bool:
    """Withdraw an article, and delete its content. Return False if there is none with this id."""
    next_revision(connection)  # takes the lock
    deleted = connection.execute(sa.select(articles.c.id).where(articles.c.id == id_)).one_or_none() is not None
    if deleted:
        withdraw(connection, [id_])
        connection.execute(sa.delete(articles).where(articles.c.id == id_))
    return deleted


def get(connection: Connection, ids: Sequence[str], with_withdrawn: bool = False) -> pl.DataFrame:
    """Return the stored articles among `ids` (columns of `frames.ARTICLES`), in the order of `ids`.

    with_withdrawn: also those that are withdrawn.
    """
    query = sa.select(*(articles.c[name] for name in ARTICLES))
    if not with_withdrawn:
        query = query.where(is_shown())
    schema = {name: _stored_type(name) for name in ARTICLES}
    rows = rows_of(connection, query, articles.c.id, ids).fetchall()
    found = _decode(pl.DataFrame(rows, schema=schema, orient="row"))
    order = pl.DataFrame({"id": list(ids)}, schema={"id": pl.String})
    return order.join(found, on="id", how="inner", maintain_order="left")


def columns_of(connection: Connection, names: Sequence[str], ids: Sequence[str] | None = None) -> pl.DataFrame:
    """Return the columns `names` of the stored articles, or of those of `ids`; without the withdrawn ones."""
    query = sa.select(*(articles.c[name] for name in names)).where(is_shown())
    found = connection.execute(query) if ids is None else rows_of(connection, query, articles.c.id, ids)
    schema = {name: _stored_type(name) for name in names}
    return _decode(pl.DataFrame(found.fetchall(), schema=schema, orient="row"))


def count(connection: Connection) -> int:
    """Return the number of stored articles, without the withdrawn ones."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(articles).where(is_shown())).scalar_one())


def language_counts(connection: Connection) -> dict[str | None, int]:
    """Return the number of articles by language (`language_codes.language_code`), None for those without one."""
    query = sa.select(articles.c.language, sa.func.count().label("articles")).where(is_shown())
    rows = connection.execute(query.group_by(articles.c.language))
    return counts_by_language((row.language, row.articles) for row in rows)


def content_hashes(connection: Connection, ids: Sequence[str], only_shown: bool = False) -> dict[str, str]:
    """Return id → content hash of those of `ids` that are stored. The hash changes with any column.

    only_shown: without those that are withdrawn.
    """
    query = sa.select(articles.c.id, articles.c.content_hash)
    if only_shown:
        query = query.where(is_shown())
    return {row.id: row.content_hash for row in rows_of(connection, query, articles.c.id, ids)}


def _stored_type(name: str) -> pl.DataType:
    return pl.String() if name in _LIST_COLUMNS else ARTICLES[name]


def _decode(frame: pl.DataFrame) -> pl.DataFrame:
    lists = [name for name in _LIST_COLUMNS if name in frame.columns]
    return frame.with_columns(pl.col(name).str.json_decode(ARTICLES[name]) for name in lists)


def _word_count() -> pl.Expr:
    """Return the given number of words, or else that of the body; null without both."""
    counted = pl.col("body").str.count_matches(r"\S+").cast(ARTICLES["word_count"])
    return pl.coalesce("word_count", pl.when(counted > 0).then(counted))


def _with_languages(rows: pl.DataFrame) -> pl.DataFrame:
    """Detect the language of the rows that have none."""
    without = rows["language"].is_null()
    if not without.any():
        return rows
    detected = rows.with_row_index("place").filter(without)
    detected = detected.select("place", detected=detect_languages(detected))
    joined = rows.with_row_index("place").join(detected, on="place", how="left", maintain_order="left")
    return joined.with_columns(language=pl.coalesce("language", "detected")).select(rows.columns)


def _content_hash(rows: pl.DataFrame) -> pl.Series:
    """Hash the names and values of non-null fields: a new field leaves the articles without it unchanged."""
    fields = (pl.lit(f"{name}=") + pl.col(name).cast(pl.String) for name in rows.columns)
    texts = rows.select(pl.concat_str(fields, separator=_SEPARATOR, ignore_nulls=True)).to_series()
    hashes = [hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in texts.to_list()]
    return pl.Series("content_hash", hashes, dtype=pl.String)
