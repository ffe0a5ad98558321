"""What readers said of topics and sources is found without reading the whole log.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NO_ARTICLE = sa.text("article IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_events_preferences", "events", ["seq"], postgresql_where=_NO_ARTICLE, sqlite_where=_NO_ARTICLE
    )


def downgrade() -> None:
    op.drop_index("ix_events_preferences", "events")
