"""Articles that are posts: the thread, and the article that a post replies to.

Revision ID: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ID = sa.String().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("articles", sa.Column("thread", _ID, nullable=True))
    op.add_column("articles", sa.Column("reply_to", _ID, nullable=True))
