"""What is left of a feed's ranking, for its next page.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feed_pages",
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("reader", sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("request", sa.Text(), nullable=False, comment="JSON object: what the first page was asked with"),
        sa.Column("rest", sa.Text(), nullable=False, comment="JSON: ids, scores and sources not shown yet"),
        sa.PrimaryKeyConstraint("cursor", name=op.f("pk_feed_pages")),
    )
    op.create_index(op.f("ix_feed_pages_reader"), "feed_pages", ["reader"])
    op.create_index(op.f("ix_feed_pages_expires_at"), "feed_pages", ["expires_at"])


def downgrade() -> None:
    op.drop_table("feed_pages")
