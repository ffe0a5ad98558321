"""The log, articles, readers and what is derived from them.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "article_vectors",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False, comment="float32, little-endian"),
        sa.PrimaryKeyConstraint("model", "text_hash", name=op.f("pk_article_vectors")),
    )
    op.create_table(
        "articles",
        sa.Column("id", sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
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
        sa.Column("content_hash", sa.String(), nullable=False, comment="blake2b of all of the above"),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="grows with every insert or change"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
    )
    with op.batch_alter_table("articles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_articles_revision"), ["revision"], unique=False)

    op.create_table(
        "bundles",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("trained_until", sa.BigInteger(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False, comment="JSON object"),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_bundles")),
    )
    op.create_table(
        "events",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("id", sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("reader", sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("known_at", sa.BigInteger(), nullable=False, comment="when Attune could know it, microseconds"),
        sa.Column(
            "article",
            sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"),
            nullable=True,
            comment="no foreign key: behaviour may arrive before, or without, its article",
        ),
        sa.Column("subject", sa.String(), nullable=True, comment="topic or source of a preference change"),
        sa.Column("value", sa.Float(), nullable=True, comment="seconds of a read, percent of a scroll"),
        sa.Column("request_id", sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("session", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_known_at_id"), ["known_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_events_reader_article"), ["reader", "article"], unique=False)

    op.create_table(
        "impressions",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column(
            "id",
            sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"),
            nullable=False,
            comment="the request id",
        ),
        sa.Column("reader", sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "candidates",
            sa.Text(),
            nullable=False,
            comment="JSON array of article ids, in order if `ordered`",
        ),
        sa.Column("ordered", sa.Boolean(), nullable=False, comment="whether the order is the order on the screen"),
        sa.Column("scores", sa.Text(), nullable=True, comment="JSON array"),
        sa.Column("propensities", sa.Text(), nullable=True, comment="JSON array"),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("session", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column(
            "page",
            sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"),
            nullable=True,
            comment="the article the reader was on",
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_impressions")),
        sa.UniqueConstraint("id", name=op.f("uq_impressions_id")),
        comment="a slate is one row",
    )
    with op.batch_alter_table("impressions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_impressions_known_at_id"), ["known_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_impressions_reader"), ["reader"], unique=False)

    op.create_table(
        "ingest_jobs",
        sa.Column("job", sa.String(), nullable=False, comment="source and fingerprint of its files"),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="batches committed"),
        sa.Column("counts", sa.Text(), nullable=False, comment="JSON object: rows by outcome"),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_ingest_jobs")),
    )
    log_position = op.create_table(
        "log_position",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("last_seq", sa.BigInteger(), nullable=False, comment="seq of the newest row of the log"),
        sa.Column(
            "last_known_at",
            sa.BigInteger(),
            nullable=False,
            comment="newest receipt time given, microseconds",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_position")),
        comment="one row; whoever updates it holds the append lock until commit",
    )
    op.create_table(
        "readers",
        sa.Column("id", sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readers")),
    )
    op.bulk_insert(log_position, [{"id": 1, "last_seq": 0, "last_known_at": 0}])


def downgrade() -> None:
    op.drop_table("readers")
    op.drop_table("log_position")
    op.drop_table("ingest_jobs")
    with op.batch_alter_table("impressions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_impressions_reader"))
        batch_op.drop_index(batch_op.f("ix_impressions_known_at_id"))

    op.drop_table("impressions")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_reader_article"))
        batch_op.drop_index(batch_op.f("ix_events_known_at_id"))

    op.drop_table("events")
    op.drop_table("bundles")
    with op.batch_alter_table("articles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_articles_revision"))

    op.drop_table("articles")
    op.drop_table("article_vectors")
