"""Readers that were erased: the place of each erasure in the log, and its receipt.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("id", sa.String(), nullable=False, comment="the receipt's"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column(
            "reader_hash",
            sa.String(),
            nullable=False,
            comment="SHA-256 of the receipt's salt and the id",
        ),
        sa.Column("counts", sa.Text(), nullable=False, comment="JSON object: rows by table"),
        sa.Column("digest", sa.String(), nullable=False, comment="SHA-256 of the receipt, hexadecimal"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_erasures")),
        sa.UniqueConstraint("id", name=op.f("uq_erasures_id")),
    )


def downgrade() -> None:
    op.drop_table("erasures")
