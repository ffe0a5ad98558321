"""INSERT … ON CONFLICT: both databases have it, SQLAlchemy has it by dialect."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


def insert(connection: Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Start an insert into `table` that can end in `on_conflict_do_nothing` or `on_conflict_do_update`."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """As `insert`, for a statement that is made before there is a connection."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def upsert_all(connection: Connection, table: sa.Table, key: str) -> postgresql.Insert | sqlite.Insert:
    """Return an insert of whole rows, given as parameters, that replaces a row with the same `key`."""
    statement = insert(connection, table)
    others = {column.name: statement.excluded[column.name] for column in table.c if column.name != key}
    return statement.on_conflict_do_update(index_elements=[key], set_=others)
