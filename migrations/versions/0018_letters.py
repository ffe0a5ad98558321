"""Newsletters of readers by period, and readers who want none.

Revision ID: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_ID = sa.String().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_AT = "microseconds since 1970-01-01 UTC"


def upgrade() -> None:
    op.create_table(
        "letters",
        sa.Column("reader", _ID, nullable=False),
        sa.Column("period", sa.String(), nullable=False, comment="day 2026-11-28, or week 2026-W48"),
        sa.Column(
            "status", sa.String(), nullable=False, comment="making, sending, written, sent, failed or unknown"
        ),
        sa.Column("request_id", _ID, nullable=False, comment="id of its slate in impressions"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment=f"of the status, {_AT}"),
        sa.PrimaryKeyConstraint("reader", "period", name=op.f("pk_letters")),
        comment="one newsletter of a reader and period: it is never sent twice",
    )
    op.create_table(
        "unsubscribed",
        sa.Column("reader", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment=_AT),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_unsubscribed")),
        comment="readers who want no newsletter",
    )
