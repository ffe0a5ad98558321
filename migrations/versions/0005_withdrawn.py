"""Articles that were deleted, so that every process notices.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deleted_articles",
        sa.Column("id", sa.String().with_variant(sa.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False, comment="counts on with those of articles"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawn_articles")),
    )
    with op.batch_alter_table("deleted_articles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_withdrawn_articles_revision"), ["revision"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("deleted_articles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_withdrawn_articles_revision"))

    op.drop_table("deleted_articles")
