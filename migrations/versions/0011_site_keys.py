"""Site keys: origins of API keys, and the secret that signs reader tokens.

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "api_keys",
        sa.Column(
            "origins", sa.Text(), nullable=False, server_default="[]", comment="JSON array: origins of a site key"
        ),
    )
    op.create_table(
        "signing_secrets",
        sa.Column("name", sa.String(), nullable=False, comment="what the secret signs"),
        sa.Column("secret", sa.String(), nullable=False, comment="random, hexadecimal"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_signing_secrets")),
        comment="secrets that all processes share, unless a setting gives them",
    )
