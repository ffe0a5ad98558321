"""Sessions and traffic of the console.

Revision ID: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "console_sessions",
        sa.Column("digest", sa.String(), nullable=False, comment="SHA-256 of the token, hexadecimal"),
        sa.Column("key", sa.String(), nullable=False, comment="id of the key that signed in"),
        sa.Column("started_at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("used_at", sa.BigInteger(), nullable=False, comment="to the minute"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_console_sessions")),
    )
    op.create_index(op.f("ix_console_sessions_used_at"), "console_sessions", ["used_at"])
    op.create_table(
        "traffic",
        sa.Column(
            "period", sa.BigInteger(), autoincrement=False, nullable=False, comment="its start, microseconds"
        ),
        sa.Column("feeds", sa.BigInteger(), nullable=False, comment="slates"),
        sa.Column("shown", sa.BigInteger(), nullable=False, comment="articles in them"),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False, comment="clicks"),
        sa.Column("from_feeds", sa.BigInteger(), nullable=False, comment="clicks that quote a slate"),
        sa.Column("read_seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_traffic")),
        comment="counts of the log by period, without readers",
    )
    position = op.create_table(
        "traffic_position",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column(
            "seq",
            sa.BigInteger(),
            nullable=False,
            comment="rows of the log up to this one are in the table traffic",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traffic_position")),
        comment="one row",
    )
    op.bulk_insert(position, [{"id": 1, "seq": 0}])
