"""Alembic's entry: runs the migrations on the connection it is handed, or on ATTUNE_DATABASE_URL."""

from alembic import context

from recsys.settings import load_settings
from recsys.store.database import Connection, Database
from recsys.store.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        render_as_batch=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # two services starting at once must not migrate at once; the lock ends with the transaction
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7236881)")
        context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    _run(handed)
else:
    database = Database(load_settings().database_url)
    with database.write() as own:
        _run(own)
    database.close()
