"""What attention did with articles, and how calibration goes.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "article_attention",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("calibrator", sa.String(), nullable=False, comment="digest of its file"),
        sa.Column("entropy", sa.Float(), nullable=False, comment="means over all heads, from here on"),
        sa.Column("max_weight", sa.Float(), nullable=False),
        sa.Column("first_mass", sa.Float(), nullable=False, comment="[CLS] in BERT"),
        sa.Column("last_mass", sa.Float(), nullable=False, comment="[SEP] in BERT"),
        sa.Column("distance", sa.Float(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False, comment="D1"),
        sa.Column("flagged_share", sa.Float(), nullable=False, comment="share of the words that D2 flags"),
        sa.Column(
            "gated", sa.Boolean(), nullable=False, comment="whether the calibrated vector is not the raw one"
        ),
        sa.PrimaryKeyConstraint("model", "text_hash", "calibrator", name=op.f("pk_article_attention")),
    )
    op.create_table(
        "attention_monitor",
        sa.Column("id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.Column("bundle", sa.String(), nullable=False),
        sa.Column("calibrator", sa.String(), nullable=False, comment="digest of its file"),
        sa.Column("texts", sa.Integer(), nullable=False, comment="newest texts that the figures are of"),
        sa.Column("score_p50", sa.Float(), nullable=True, comment="D1"),
        sa.Column("score_p99", sa.Float(), nullable=True),
        sa.Column("flag_rate", sa.Float(), nullable=True, comment="share of the words that D2 flags"),
        sa.Column(
            "gated_share", sa.Float(), nullable=True, comment="share of the texts whose vector was adjusted"
        ),
        sa.Column(
            "entropy_psi",
            sa.Float(),
            nullable=True,
            comment="population stability index of the head that drifted most",
        ),
        sa.Column(
            "received_kl",
            sa.Float(),
            nullable=True,
            comment="mean divergence of what tokens receive, adjusted from raw",
        ),
        sa.Column("seconds_per_text", sa.Float(), nullable=True, comment="added by inspecting and reading again"),
        sa.Column("breaker_open", sa.Boolean(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attention_monitor")),
    )
    with op.batch_alter_table("attention_monitor", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attention_monitor_at"), ["at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("attention_monitor", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attention_monitor_at"))

    op.drop_table("attention_monitor")
    op.drop_table("article_attention")
