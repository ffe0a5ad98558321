"""Webhooks and the outbox of their messages.

Revision ID: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False, comment="address that gets the messages"),
        sa.Column("events", sa.Text(), nullable=False, comment="JSON array: kinds that it wants; empty: all"),
        sa.Column("secret", sa.String(), nullable=False, comment="signs the messages; whsec_ and base64"),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("created_by", sa.String(), nullable=False, comment="actor, as in the table audit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "webhook_messages",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("webhook", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON object, sent as it is here"),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="begun so far"),
        sa.Column(
            "next_at",
            sa.BigInteger(),
            nullable=True,
            comment="next attempt; null: delivered or failed for good",
        ),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="of the last attempt"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_messages")),
        comment="outbox of the webhooks",
    )
    op.create_index(op.f("ix_webhook_messages_next_at"), "webhook_messages", ["next_at"])
    op.create_index(op.f("ix_webhook_messages_webhook"), "webhook_messages", ["webhook"])
