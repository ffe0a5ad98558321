"""The log, articles, readers, and the work of the service.

Revision ID: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String().with_variant(sa.TEXT(collation="C"), "postgresql")
_SEQ = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")
_NO_ARTICLE = sa.text("article IS NULL")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column(
            "id", sa.String(), nullable=False, comment="public: stands in the key, in lists and in the audit"
        ),
        sa.Column("digest", sa.String(), nullable=False, comment="SHA-256 of the whole key, hexadecimal"),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True, comment="to the minute or so"),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "article_attention",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("calibrator", sa.String(), nullable=False, comment="digest of its file"),
        sa.Column("entropy", sa.Float(), nullable=False, comment="means over all heads, from here on"),
        sa.Column("max_weight", sa.Float(), nullable=False),
        sa.Column("first_mass", sa.Float(), nullable=False, comment="[CLS] in BERT"),
        sa.Column("last_mass", sa.Float(), nullable=False, comment="[SEP] in BERT"),
        sa.Column("distance", sa.Float(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False, comment="D1"),
        sa.Column("flagged_share", sa.Float(), nullable=False, comment="share of the words that D2 flags"),
        sa.Column(
            "gated", sa.Boolean(), nullable=False, comment="whether the calibrated vector is not the raw one"
        ),
        sa.PrimaryKeyConstraint("model", "text_hash", "calibrator", name=op.f("pk_article_attention")),
    )
    op.create_table(
        "article_vectors",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False, comment="float32, little-endian"),
        sa.PrimaryKeyConstraint("model", "text_hash", name=op.f("pk_article_vectors")),
    )
    op.create_table(
        "articles",
        sa.Column("id", _ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("abstract", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("subcategory", sa.String(), nullable=True),
        sa.Column("entities", sa.Text(), nullable=True, comment="JSON array"),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("word_count", sa.Integer(), nullable=True),
        sa.Column("access", sa.String(), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("markup", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.String(), nullable=False, comment="blake2b of all of the above"),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="grows with every insert or change"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
    )
    op.create_index(op.f("ix_articles_revision"), "articles", ["revision"])

    op.create_table(
        "attention_monitor",
        sa.Column("id", _SEQ, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("bundle", sa.String(), nullable=False),
        sa.Column("calibrator", sa.String(), nullable=False, comment="digest of its file"),
        sa.Column("texts", sa.Integer(), nullable=False, comment="newest texts that the figures are of"),
        sa.Column("score_p50", sa.Float(), nullable=True, comment="D1"),
        sa.Column("score_p99", sa.Float(), nullable=True),
        sa.Column("flag_rate", sa.Float(), nullable=True, comment="share of the words that D2 flags"),
        sa.Column(
            "gated_share", sa.Float(), nullable=True, comment="share of the texts whose vector was adjusted"
        ),
        sa.Column(
            "entropy_psi",
            sa.Float(),
            nullable=True,
            comment="population stability index of the head that drifted most",
        ),
        sa.Column(
            "received_kl",
            sa.Float(),
            nullable=True,
            comment="mean divergence of what tokens receive, adjusted from raw",
        ),
        sa.Column("seconds_per_text", sa.Float(), nullable=True, comment="added by inspecting and reading again"),
        sa.Column("breaker_open", sa.Boolean(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attention_monitor")),
    )
    op.create_index(op.f("ix_attention_monitor_at"), "attention_monitor", ["at"])

    op.create_table(
        "audit",
        sa.Column("id", _SEQ, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column(
            "actor", sa.String(), nullable=False, comment="id of a key, 'cli', or 'open' before the first key"
        ),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column(
            "subject", sa.Text(), nullable=False, comment="id of a key, bundle or receipt; never of a reader"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_table(
        "erasures",
        sa.Column("seq", _SEQ, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False, comment="the receipt's"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("reader_hash", sa.String(), nullable=False, comment="SHA-256 of the receipt's salt and the id"),
        sa.Column("counts", sa.Text(), nullable=False, comment="JSON object: rows by table"),
        sa.Column("digest", sa.String(), nullable=False, comment="SHA-256 of the receipt, hexadecimal"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_erasures")),
        sa.UniqueConstraint("id", name=op.f("uq_erasures_id")),
    )
    op.create_table(
        "events",
        sa.Column("seq", _SEQ, autoincrement=False, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("reader", _ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("known_at", sa.BigInteger(), nullable=False, comment="when Attune could know it, microseconds"),
        sa.Column(
            "article",
            _ID,
            nullable=True,
            comment="no foreign key: behaviour may arrive before, or without, its article",
        ),
        sa.Column("subject", sa.String(), nullable=True, comment="topic or source of a preference change"),
        sa.Column("value", sa.Float(), nullable=True, comment="seconds of a read, percent of a scroll"),
        sa.Column("request_id", _ID, nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("session", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
    )
    op.create_index(op.f("ix_events_known_at_id"), "events", ["known_at", "id"])
    op.create_index(
        "ix_events_preferences", "events", ["seq"], postgresql_where=_NO_ARTICLE, sqlite_where=_NO_ARTICLE
    )
    op.create_index(op.f("ix_events_reader_article"), "events", ["reader", "article"])

    op.create_table(
        "feed_pages",
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("reader", _ID, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("request", sa.Text(), nullable=False, comment="JSON object: parameters of the first page"),
        sa.Column("rest", sa.Text(), nullable=False, comment="JSON: ids, scores and sources not shown yet"),
        sa.PrimaryKeyConstraint("cursor", name=op.f("pk_feed_pages")),
    )
    op.create_index(op.f("ix_feed_pages_expires_at"), "feed_pages", ["expires_at"])
    op.create_index(op.f("ix_feed_pages_reader"), "feed_pages", ["reader"])

    op.create_table(
        "impressions",
        sa.Column("seq", _SEQ, autoincrement=False, nullable=False),
        sa.Column("id", _ID, nullable=False, comment="the request id"),
        sa.Column("reader", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "candidates", sa.Text(), nullable=False, comment="JSON array of article ids, in order if `ordered`"
        ),
        sa.Column("ordered", sa.Boolean(), nullable=False, comment="whether the order is the order on the screen"),
        sa.Column("scores", sa.Text(), nullable=True, comment="JSON array"),
        sa.Column("propensities", sa.Text(), nullable=True, comment="JSON array"),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("session", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("page", _ID, nullable=True, comment="the article the reader was on"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_impressions")),
        sa.UniqueConstraint("id", name=op.f("uq_impressions_id")),
        comment="a slate is one row",
    )
    op.create_index(op.f("ix_impressions_known_at_id"), "impressions", ["known_at", "id"])
    op.create_index(op.f("ix_impressions_reader"), "impressions", ["reader"])

    op.create_table(
        "ingest_jobs",
        sa.Column("job", sa.String(), nullable=False, comment="source and fingerprint of its files"),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="batches committed"),
        sa.Column("counts", sa.Text(), nullable=False, comment="JSON object: rows by outcome"),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_ingest_jobs")),
    )
    op.create_table(
        "item_records",
        sa.Column("id", _ID, nullable=False),
        sa.Column("labels", sa.Text(), nullable=False, comment="JSON, given back as it came"),
        sa.Column("categories", sa.Text(), nullable=False, comment="JSON array"),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_records")),
        comment="what came with an item through Gorse's API and has no place elsewhere",
    )
    log_position = op.create_table(
        "log_position",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("last_seq", sa.BigInteger(), nullable=False, comment="seq of the newest row of the log"),
        sa.Column(
            "last_known_at", sa.BigInteger(), nullable=False, comment="newest receipt time given, microseconds"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_position")),
        comment="one row; its update holds the append lock until commit",
    )
    op.bulk_insert(log_position, [{"id": 1, "last_seq": 0, "last_known_at": 0}])
    op.create_table(
        "readers",
        sa.Column("id", _ID, nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readers")),
    )
    op.create_table(
        "shadow_slates",
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("reader", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("candidates", sa.Text(), nullable=False, comment="JSON array of article ids, in order"),
        sa.Column("scores", sa.Text(), nullable=False, comment="JSON array"),
        sa.PrimaryKeyConstraint("request_id", "model", name=op.f("pk_shadow_slates")),
        comment="made by a challenger for a request, and not shown",
    )
    op.create_index(op.f("ix_shadow_slates_at"), "shadow_slates", ["at"])
    op.create_index(op.f("ix_shadow_slates_reader"), "shadow_slates", ["reader"])

    op.create_table(
        "user_records",
        sa.Column("reader", _ID, nullable=False),
        sa.Column("labels", sa.Text(), nullable=False, comment="JSON, given back as it came"),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_user_records")),
        comment="what came with a user through Gorse's API and has no place elsewhere",
    )

    op.create_table(
        "withdrawals",
        sa.Column("id", _ID, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="counts on with those of articles"),
        sa.Column("lifted", sa.Boolean(), nullable=False, comment="whether the article was restored since"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawals")),
        comment="articles that no feed or list shows, whatever content arrives, until they are restored",
    )
    op.create_index(op.f("ix_withdrawals_revision"), "withdrawals", ["revision"])


def downgrade() -> None:
    op.drop_table("withdrawals")
    op.drop_table("user_records")
    op.drop_table("shadow_slates")
    op.drop_table("readers")
    op.drop_table("log_position")
    op.drop_table("item_records")
    op.drop_table("ingest_jobs")
    op.drop_table("impressions")
    op.drop_table("feed_pages")
    op.drop_table("events")
    op.drop_table("erasures")
    op.drop_table("audit")
    op.drop_table("attention_monitor")
    op.drop_table("articles")
    op.drop_table("article_vectors")
    op.drop_table("article_attention")
    op.drop_table("api_keys")
