"""Archive of the log: its files, and how far it goes.

Revision ID: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_ID = sa.String().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "log_position",
        sa.Column(
            "archived_until",
            sa.BigInteger(),
            nullable=False,
            server_default="0",
            comment="rows known before are archived, or will be; microseconds",
        ),
    )
    op.add_column(
        "log_position",
        sa.Column(
            "archived_seq",
            sa.BigInteger(),
            nullable=False,
            server_default="0",
            comment="greatest seq of an archived row",
        ),
    )
    op.create_table(
        "archive_files",
        sa.Column("path", sa.Text(), nullable=False, comment="address of the file"),
        sa.Column("log_table", sa.String(), nullable=False, comment="events or impressions"),
        sa.Column("number", sa.Integer(), nullable=False, comment="place in the order of the log, for each table"),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes"),
        sa.Column("digest", sa.String(), nullable=False, comment="SHA-256 of the file, hexadecimal"),
        sa.Column(
            "first_known_at",
            sa.BigInteger(),
            nullable=False,
            comment="of the key where the file begins, microseconds",
        ),
        sa.Column(
            "last_known_at",
            sa.BigInteger(),
            nullable=False,
            comment="of the key where the file ends, microseconds",
        ),
        sa.Column("last_id", _ID, nullable=False, comment="of the key where the file ends"),
        sa.Column("first_seq", sa.BigInteger(), nullable=False, comment="smallest of its rows"),
        sa.Column("last_seq", sa.BigInteger(), nullable=False, comment="greatest of its rows"),
        sa.Column("first_at", sa.BigInteger(), comment="earliest of its rows, microseconds; null: no rows"),
        sa.Column("last_at", sa.BigInteger(), comment="latest of its rows, microseconds; null: no rows"),
        sa.Column("written_at", sa.BigInteger(), nullable=False, comment="microseconds since 1970-01-01 UTC"),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_archive_files")),
        comment="Parquet files with the older rows of the log, which events and impressions no longer hold",
    )
    op.create_index("uq_archive_files_number", "archive_files", ["log_table", "number"], unique=True)
    op.create_table(
        "archive_leftovers",
        sa.Column("path", sa.Text(), nullable=False, comment="address of the file"),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_archive_leftovers")),
        comment="files that are being written, or were replaced: no part of the log, and to be deleted",
    )
    op.create_table(
        "archived_reads",
        sa.Column("reader", _ID, nullable=False),
        sa.Column("article", _ID, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False, comment="of the first such event, microseconds"),
        sa.PrimaryKeyConstraint("reader", "article", name=op.f("pk_archived_reads")),
        comment="articles that archived events show as opened, read, hidden or disliked: feeds leave them out",
        sqlite_with_rowid=False,
    )
