"""API keys, and who did what with them.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column(
            "id", sa.String(), nullable=False, comment="public: stands in the key, in lists and in the audit"
        ),
        sa.Column("digest", sa.String(), nullable=False, comment="SHA-256 of the whole key, hexadecimal"),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True, comment="to the minute or so"),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column(
            "actor", sa.String(), nullable=False, comment="id of a key, 'cli', or 'open' before the first key"
        ),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column(
            "subject",
            sa.Text(),
            nullable=False,
            comment="id of a key, bundle or receipt; never of a reader",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )


def downgrade() -> None:
    op.drop_table("audit")
    op.drop_table("api_keys")
