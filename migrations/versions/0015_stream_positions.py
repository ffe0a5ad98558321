"""Positions of destinations that mirror the log.

Revision ID: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stream_positions",
        sa.Column(
            "destination",
            sa.String().with_variant(postgresql.TEXT(collation="C"), "postgresql"),
            nullable=False,
            comment="address of a topic, without user and password",
        ),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="it has the rows of the log up to this one"),
        sa.PrimaryKeyConstraint("destination", name=op.f("pk_stream_positions")),
        comment="how far `attune publish` has got",
    )
