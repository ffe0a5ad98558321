"""Table definitions. `make check` compares `metadata` with the migrations through Alembic."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from recsys.domain import Article, Event, Slate
from recsys.records import Field, FieldType, fields_of

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Compare ids bytewise on every database: the fold's order depends on it.
Id = String().with_variant(postgresql.TEXT(collation="C"), "postgresql")
# SQLite uses only INTEGER primary keys as row id.
Seq = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")

_SQL_TYPES: dict[FieldType, type[TypeEngine[Any]]] = {
    FieldType.TIME: BigInteger,
    FieldType.NUMBER: Float,
    FieldType.INTEGER: Integer,
    FieldType.FLAG: Boolean,
    FieldType.TEXTS: Text,
    FieldType.NUMBERS: Text,
}
_LONG_TEXT = 10_000
"""Texts that may take so many bytes are `Text`, shorter ones `String`. No length is declared: ingest checks it."""


def _columns(record: type, *own: Column[Any], **comments: str) -> list[Column[Any]]:
    """The columns of the fields of a record, in their order; one of `own` stands in place of the derived one."""
    given = {column.name: column for column in own}
    return [given.get(field.name, _column(field, comments.get(field.name))) for field in fields_of(record)]


def _column(field: Field, comment: str | None) -> Column[Any]:
    return Column(field.name, _sql_type(field), nullable=field.nullable, comment=comment)


def _sql_type(field: Field) -> TypeEngine[Any]:
    if field.type is not FieldType.TEXT:
        return _SQL_TYPES[field.type]()
    if field.is_id:
        return Id
    return Text() if (field.most_bytes or 0) >= _LONG_TEXT else String()


log_position = Table(
    "log_position",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("last_seq", BigInteger, nullable=False, comment="seq of the newest row of the log"),
    Column("last_known_at", BigInteger, nullable=False, comment="newest receipt time given, microseconds"),
    Column(
        "archived_until",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="rows known before are archived, or will be; microseconds",
    ),
    Column(
        "archived_seq", BigInteger, nullable=False, server_default="0", comment="greatest seq of an archived row"
    ),
    comment="one row; its update holds the append lock until commit",
)

_NO_ARTICLE = text("article IS NULL")
"""Condition of preference events: they are few, and every start reads all of them."""

events = Table(
    "events",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=False),
    *_columns(
        Event,
        Column("id", Id, nullable=False, unique=True),
        Column("subject", String, comment="topic or source of a preference change"),
        at="microseconds since 1970-01-01 UTC",
        known_at="when Attune could know it, microseconds",
        article="no foreign key: behaviour may arrive before, or without, its article",
        value="seconds of a read, percent of a scroll",
    ),
    Index(None, "known_at", "id"),
    Index(None, "reader", "article"),
    Index("ix_events_preferences", "seq", postgresql_where=_NO_ARTICLE, sqlite_where=_NO_ARTICLE),
)

impressions = Table(
    "impressions",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=False),
    *_columns(
        Slate,
        Column("id", Id, nullable=False, unique=True, comment="the request id"),
        candidates="JSON array of article ids, in order if `ordered`",
        ordered="whether the order is the order on the screen",
        scores="JSON array",
        propensities="JSON array",
        page="the article the reader was on",
    ),
    Index(None, "known_at", "id"),
    Index(None, "reader"),
    comment="a slate is one row",
)

archive_files = Table(
    "archive_files",
    metadata,
    Column("path", Text, primary_key=True, comment="address of the file"),
    Column("log_table", String, nullable=False, comment="events or impressions"),
    Column("number", Integer, nullable=False, comment="place in the order of the log, for each table"),
    Column("rows", Integer, nullable=False),
    Column("size", BigInteger, nullable=False, comment="bytes"),
    Column("digest", String, nullable=False, comment="SHA-256 of the file, hexadecimal"),
    Column("first_known_at", BigInteger, nullable=False, comment="of the key where the file begins, microseconds"),
    Column("last_known_at", BigInteger, nullable=False, comment="of the key where the file ends, microseconds"),
    Column("last_id", Id, nullable=False, comment="of the key where the file ends"),
    Column("first_seq", BigInteger, nullable=False, comment="smallest of its rows"),
    Column("last_seq", BigInteger, nullable=False, comment="greatest of its rows"),
    Column("first_at", BigInteger, comment="earliest of its rows, microseconds; null: no rows"),
    Column("last_at", BigInteger, comment="latest of its rows, microseconds; null: no rows"),
    Column("written_at", BigInteger, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    Index("uq_archive_files_number", "log_table", "number", unique=True),
    comment="Parquet files with the older rows of the log, which events and impressions no longer hold",
)

archive_leftovers = Table(
    "archive_leftovers",
    metadata,
    Column("path", Text, primary_key=True, comment="address of the file"),
    comment="files that are being written, or were replaced: no part of the log, and to be deleted",
)

archived_reads = Table(
    "archived_reads",
    metadata,
    Column("reader", Id, primary_key=True),
    Column("article", Id, primary_key=True),
    Column("known_at", BigInteger, nullable=False, comment="of the first such event, microseconds"),
    comment="articles that archived events show as opened, read, hidden or disliked: feeds leave them out",
    sqlite_with_rowid=False,
)

articles = Table(
    "articles",
    metadata,
    *_columns(
        Article,
        Column("id", Id, primary_key=True),
        Column("author", String),
        entities="JSON array",
    ),
    Column("content_hash", String, nullable=False, comment="blake2b of all of the above"),
    Column("revision", BigInteger, nullable=False, index=True, comment="grows with every insert or change"),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("revision", BigInteger, nullable=False, index=True, comment="counts on with those of articles"),
    Column("lifted", Boolean, nullable=False, comment="whether the article was restored since"),
    comment="articles that no feed or list shows, whatever content arrives, until they are restored",
)

rules = Table(
    "rules",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False, comment="pin, boost, demote, ban, breaking, must_see or quota"),
    Column("field", String, nullable=False, comment="property of an article that the rule matches"),
    Column("match", Text, nullable=False, comment="value of that property"),
    Column("value", Float, comment="log-odds, most articles, or hours, by kind"),
    Column("place", Integer, comment="of a pin; 1 is the top"),
    Column("section", Text, comment="only feeds of this section"),
    Column("starts_at", BigInteger, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    Column("ends_at", BigInteger, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String, nullable=False, comment="id of a key, 'cli', or 'open' before the first key"),
    Column("removed_at", BigInteger),
    comment="of editors: they overrule the ranking of feeds",
)

sources = Table(
    "sources",
    metadata,
    Column("url", Id, primary_key=True),
    Column("interval", Integer, nullable=False, comment="seconds between readings"),
    Column("next_at", BigInteger, index=True, comment="microseconds; null: gone, read no more"),
    Column("full_text", Boolean, nullable=False, comment="whether pages are read for texts that the feed lacks"),
    Column("etag", Text),
    Column("last_modified", Text, comment="as the server wrote it"),
    Column("digest", String, comment="blake2b of the last content"),
    Column("checked_at", BigInteger, comment="last reading, microseconds"),
    Column("changed_at", BigInteger, comment="last reading with new content, microseconds"),
    Column("failures", Integer, nullable=False, comment="in a row"),
    Column("error", Text, comment="of the last reading"),
    Column("articles", BigInteger, nullable=False, comment="rows stored or changed so far"),
    comment="feeds, sitemaps and lists that `attune poll` reads",
)

readers = Table(
    "readers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("first_seen_at", BigInteger, nullable=False),
)

article_vectors = Table(
    "article_vectors",
    metadata,
    Column("model", String, primary_key=True),
    Column("text_hash", String, primary_key=True),
    Column("vector", LargeBinary, nullable=False, comment="float32, little-endian"),
)

article_attention = Table(
    "article_attention",
    metadata,
    Column("model", String, primary_key=True),
    Column("text_hash", String, primary_key=True),
    Column("calibrator", String, primary_key=True, comment="digest of its file"),
    Column("entropy", Float, nullable=False, comment="means over all heads, from here on"),
    Column("max_weight", Float, nullable=False),
    Column("first_mass", Float, nullable=False, comment="[CLS] in BERT"),
    Column("last_mass", Float, nullable=False, comment="[SEP] in BERT"),
    Column("distance", Float, nullable=False),
    Column("score", Float, nullable=False, comment="D1"),
    Column("flagged_share", Float, nullable=False, comment="share of the words that D2 flags"),
    Column("gated", Boolean, nullable=False, comment="whether the calibrated vector is not the raw one"),
)

attention_monitor = Table(
    "attention_monitor",
    metadata,
    Column("id", Seq, primary_key=True),
    Column("at", BigInteger, nullable=False, index=True, comment="microseconds since 1970-01-01 UTC"),
    Column("bundle", String, nullable=False),
    Column("calibrator", String, nullable=False, comment="digest of its file"),
    Column("texts", Integer, nullable=False, comment="newest texts that the figures are of"),
    Column("score_p50", Float, comment="D1"),
    Column("score_p99", Float),
    Column("flag_rate", Float, comment="share of the words that D2 flags"),
    Column("gated_share", Float, comment="share of the texts whose vector was adjusted"),
    Column("entropy_psi", Float, comment="population stability index of the head that drifted most"),
    Column("received_kl", Float, comment="mean divergence of what tokens receive, adjusted from raw"),
    Column("seconds_per_text", Float, comment="added by inspecting and reading again"),
    Column("breaker_open", Boolean, nullable=False),
    Column("alert", Text),
)

ingest_jobs = Table(
    "ingest_jobs",
    metadata,
    Column("job", String, primary_key=True, comment="source and fingerprint of its files"),
    Column("position", BigInteger, nullable=False, comment="batches committed"),
    Column("counts", Text, nullable=False, comment="JSON object: rows by outcome"),
    Column("done", Boolean, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String, primary_key=True, comment="public: stands in the key, in lists and in the audit"),
    Column("digest", String, nullable=False, comment="SHA-256 of the whole key, hexadecimal"),
    Column("scope", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    Column("last_used_at", BigInteger, comment="to the minute or so"),
    Column("revoked_at", BigInteger),
    Column("origins", Text, nullable=False, server_default="[]", comment="JSON array: origins of a site key"),
)

signing_secrets = Table(
    "signing_secrets",
    metadata,
    Column("name", String, primary_key=True, comment="what the secret signs"),
    Column("secret", String, nullable=False, comment="random, hexadecimal"),
    comment="secrets that all processes share, unless a setting gives them",
)

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("digest", String, primary_key=True, comment="SHA-256 of the token, hexadecimal"),
    Column("key", String, nullable=False, comment="id of the key that signed in"),
    Column("started_at", BigInteger, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    Column("used_at", BigInteger, nullable=False, index=True, comment="to the minute"),
)

traffic = Table(
    "traffic",
    metadata,
    Column("period", BigInteger, primary_key=True, autoincrement=False, comment="its start, microseconds"),
    Column("feeds", BigInteger, nullable=False, comment="slates"),
    Column("shown", BigInteger, nullable=False, comment="articles in them"),
    Column("events", BigInteger, nullable=False),
    Column("opened", BigInteger, nullable=False, comment="clicks"),
    Column("from_feeds", BigInteger, nullable=False, comment="clicks that quote a slate"),
    Column("read_seconds", Float, nullable=False),
    comment="counts of the log by period, without readers",
)

traffic_position = Table(
    "traffic_position",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("seq", BigInteger, nullable=False, comment="rows of the log up to this one are in the table traffic"),
    comment="one row",
)

stream_positions = Table(
    "stream_positions",
    metadata,
    Column("destination", Id, primary_key=True, comment="address of a topic, without user and password"),
    Column("seq", BigInteger, nullable=False, comment="it has the rows of the log up to this one"),
    comment="how far `attune publish` has got",
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String, primary_key=True),
    Column("url", Text, nullable=False, comment="address that gets the messages"),
    Column("events", Text, nullable=False, comment="JSON array: kinds that it wants; empty: all"),
    Column("secret", String, nullable=False, comment="signs the messages; whsec_ and base64"),
    Column("created_at", BigInteger, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    Column("created_by", String, nullable=False, comment="actor, as in the table audit"),
)

webhook_messages = Table(
    "webhook_messages",
    metadata,
    Column("id", String, primary_key=True),
    Column("webhook", String, nullable=False, index=True),
    Column("event", String, nullable=False),
    Column("body", Text, nullable=False, comment="JSON object, sent as it is here"),
    Column("created_at", BigInteger, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    Column("attempts", Integer, nullable=False, comment="begun so far"),
    Column("next_at", BigInteger, index=True, comment="next attempt; null: delivered or failed for good"),
    Column("delivered_at", BigInteger),
    Column("error", Text, comment="of the last attempt"),
    comment="outbox of the webhooks",
)

letters = Table(
    "letters",
    metadata,
    Column("reader", Id, primary_key=True),
    Column("period", String, primary_key=True, comment="day 2026-11-28, or week 2026-W48"),
    Column("status", String, nullable=False, comment="making, sending, written, sent, failed or unknown"),
    Column("request_id", Id, nullable=False, comment="id of its slate in impressions"),
    Column("at", BigInteger, nullable=False, comment="of the status, microseconds since 1970-01-01 UTC"),
    comment="one newsletter of a reader and period: it is never sent twice",
)

unsubscribed = Table(
    "unsubscribed",
    metadata,
    Column("reader", Id, primary_key=True),
    Column("at", BigInteger, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    comment="readers who want no newsletter",
)

learning_pauses = Table(
    "learning_pauses",
    metadata,
    Column("reader", Id, primary_key=True),
    Column("at", BigInteger, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    comment="readers from whose behaviour nothing is learned until they resume",
)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String, nullable=False, comment="training or evaluation"),
    Column("at", BigInteger, nullable=False, index=True, comment="end, microseconds since 1970-01-01 UTC"),
    Column("seconds", Float, nullable=False),
    Column("bundle", String, nullable=False, comment="version of the trained or evaluated bundle"),
    Column("parameters", Text, nullable=False, comment="JSON object: options and changed settings"),
    Column("data", Text, nullable=False, comment="JSON object: the impressions that were measured"),
    Column("figures", Text, nullable=False, comment="JSON object: system, metric, value"),
    comment="trainings and evaluations with their figures",
)

audit = Table(
    "audit",
    metadata,
    Column("id", Seq, primary_key=True),
    Column("at", BigInteger, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    Column("actor", String, nullable=False, comment="id of a key, 'cli', or 'open' before the first key"),
    Column("act", String, nullable=False),
    Column("subject", Text, nullable=False, comment="id of a key, bundle or receipt; never of a reader"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False, unique=True, comment="the receipt's"),
    Column("at", BigInteger, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    Column("reader_hash", String, nullable=False, comment="SHA-256 of the receipt's salt and the id"),
    Column("counts", Text, nullable=False, comment="JSON object: rows by table"),
    Column("digest", String, nullable=False, comment="SHA-256 of the receipt, hexadecimal"),
)

feed_pages = Table(
    "feed_pages",
    metadata,
    Column("cursor", String, primary_key=True),
    Column("reader", Id, nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False, index=True, comment="microseconds since 1970-01-01 UTC"),
    Column("request", Text, nullable=False, comment="JSON object: parameters of the first page"),
    Column("rest", Text, nullable=False, comment="JSON: ids, scores and sources not shown yet"),
)

shadow_slates = Table(
    "shadow_slates",
    metadata,
    Column("request_id", Id, primary_key=True),
    Column("model", String, primary_key=True),
    Column("reader", Id, nullable=False, index=True),
    Column("at", BigInteger, nullable=False, index=True, comment="microseconds since 1970-01-01 UTC"),
    Column("candidates", Text, nullable=False, comment="JSON array of article ids, in order"),
    Column("scores", Text, nullable=False, comment="JSON array"),
    comment="made by a challenger for a request, and not shown",
)

user_records = Table(
    "user_records",
    metadata,
    Column("reader", Id, primary_key=True),
    Column("labels", Text, nullable=False, comment="JSON, given back as it came"),
    Column("comment", Text, nullable=False),
    comment="what came with a user through Gorse's API and has no place elsewhere",
)

item_records = Table(
    "item_records",
    metadata,
    Column("id", Id, primary_key=True),
    Column("labels", Text, nullable=False, comment="JSON, given back as it came"),
    Column("categories", Text, nullable=False, comment="JSON array"),
    Column("comment", Text, nullable=False),
    comment="what came with an item through Gorse's API and has no place elsewhere",
)

DERIVED_READER_TABLES: dict[str, Column[Any]] = {archived_reads.name: archived_reads.c.reader}
"""As `READER_TABLES`, for rows that repeat what the log says: erasure deletes them, and nothing counts them."""

READER_TABLES: dict[str, Column[Any]] = {
    **{
        table.name: table.c["reader"]
        for table in metadata.sorted_tables
        if "reader" in table.c and table.name not in DERIVED_READER_TABLES
    },
    readers.name: readers.c.id,
}
"""Every table with rows of readers → its reader id column. Export and erasure use it."""
