"""Readers who paused learning.

Revision ID: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ID = sa.String().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "learning_pauses",
        sa.Column("reader", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_learning_pauses")),
        comment="readers from whose behaviour nothing is learned until they resume",
    )
