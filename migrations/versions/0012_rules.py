"""Rules of editors.

Revision ID: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rules",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column(
            "kind", sa.String(), nullable=False, comment="pin, boost, demote, ban, breaking, must_see or quota"
        ),
        sa.Column("field", sa.String(), nullable=False, comment="property of an article that the rule matches"),
        sa.Column("match", sa.Text(), nullable=False, comment="value of that property"),
        sa.Column("value", sa.Float(), nullable=True, comment="log-odds, most articles, or hours, by kind"),
        sa.Column("place", sa.Integer(), nullable=True, comment="of a pin; 1 is the top"),
        sa.Column("section", sa.Text(), nullable=True, comment="only feeds of this section"),
        sa.Column("starts_at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_by", sa.String(), nullable=False, comment="id of a key, 'cli', or 'open' before the first key"
        ),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules")),
        comment="of editors: they overrule the ranking of feeds",
    )
    op.create_index(op.f("ix_rules_ends_at"), "rules", ["ends_at"])
