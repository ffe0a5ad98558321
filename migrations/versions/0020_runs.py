"""Trainings and evaluations with their figures.

Revision ID: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_ID = sa.String().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False, comment="training or evaluation"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="end, microseconds since 1970-01-01 UTC"),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("bundle", sa.String(), nullable=False, comment="version of the trained or evaluated bundle"),
        sa.Column("parameters", sa.Text(), nullable=False, comment="JSON object: options and changed settings"),
        sa.Column("data", sa.Text(), nullable=False, comment="JSON object: the impressions that were measured"),
        sa.Column("figures", sa.Text(), nullable=False, comment="JSON object: system, metric, value"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        comment="trainings and evaluations with their figures",
    )
    op.create_index(op.f("ix_runs_at"), "runs", ["at"])
