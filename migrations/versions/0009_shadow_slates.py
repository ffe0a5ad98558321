"""Slates that a challenger made and nobody saw.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.String().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
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
    op.create_index(op.f("ix_shadow_slates_reader"), "shadow_slates", ["reader"])
    op.create_index(op.f("ix_shadow_slates_at"), "shadow_slates", ["at"])


def downgrade() -> None:
    op.drop_table("shadow_slates")
