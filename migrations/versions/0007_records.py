"""What comes with users and items through Gorse's API.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    id_ = sa.String().with_variant(sa.TEXT(collation="C"), "postgresql")
    op.create_table(
        "user_records",
        sa.Column("reader", id_, nullable=False),
        sa.Column("labels", sa.Text(), nullable=False, comment="JSON, given back as it came"),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_user_records")),
        comment="what came with a user through Gorse's API and has no place elsewhere",
    )
    op.create_table(
        "item_records",
        sa.Column("id", id_, nullable=False),
        sa.Column("labels", sa.Text(), nullable=False, comment="JSON, given back as it came"),
        sa.Column("categories", sa.Text(), nullable=False, comment="JSON array"),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("hidden", sa.Text(), comment="JSON: the article while it is hidden, when `articles` has it not"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_records")),
        comment="what came with an item through Gorse's API and has no place elsewhere",
    )


def downgrade() -> None:
    op.drop_table("item_records")
    op.drop_table("user_records")
