"""Sources of articles on the web.

Revision ID: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("url", sa.String().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("interval", sa.Integer(), nullable=False, comment="seconds between readings"),
        sa.Column("next_at", sa.BigInteger(), nullable=True, comment="microseconds; null: gone, read no more"),
        sa.Column(
            "full_text",
            sa.Boolean(),
            nullable=False,
            comment="whether pages are read for texts that the feed lacks",
        ),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True, comment="as the server wrote it"),
        sa.Column("digest", sa.String(), nullable=True, comment="blake2b of the last content"),
        sa.Column("checked_at", sa.BigInteger(), nullable=True, comment="last reading, microseconds"),
        sa.Column(
            "changed_at", sa.BigInteger(), nullable=True, comment="last reading with new content, microseconds"
        ),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("error", sa.Text(), nullable=True, comment="of the last reading"),
        sa.Column("articles", sa.BigInteger(), nullable=False, comment="rows stored or changed so far"),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_sources")),
        comment="feeds, sitemaps and lists that `attune poll` reads",
    )
    op.create_index(op.f("ix_sources_next_at"), "sources", ["next_at"])
