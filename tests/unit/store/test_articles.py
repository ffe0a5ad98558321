"""How the store finds what is new among many articles."""

from typing import Any

import sqlalchemy as sa

from recsys.domain import Article
from recsys.frames import articles_frame
from recsys.store import articles, withdrawals
from recsys.store.database import Database


def test_looking_for_what_is_new_reads_nothing_old(sqlite_database: Database) -> None:
    """Every process looks once a second, and may have hundreds of thousands of articles."""
    asked: list[tuple[str, Any]] = []
    with sqlite_database.write() as connection:
        articles.upsert(connection, articles_frame(Article(id=f"a{i}", title="Title") for i in range(50)))
    with sqlite_database.read() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
        articles.upserted_since(connection, 1)
        withdrawals.withdrawn_since(connection, 1)
        queries = list(asked)
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all() for text, values in queries
        ]
    steps = [step.detail for plan in plans for step in plan]
    assert len(queries) == 2
    by_revision = [step for step in steps if "revision>?" in step]
    assert len(by_revision) == 2
    assert not any(step.startswith("SCAN") for step in steps), steps
