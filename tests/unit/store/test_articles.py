"""The store finds new articles among many."""

from typing import Any

import sqlalchemy as sa

from recsys.domain import Article
from recsys.frames import articles_frame
from recsys.store import articles, withdrawals
from recsys.store.database import Database


def test_words_are_counted_from_the_body_if_their_number_is_not_given(sqlite_database: Database) -> None:
    rows = [
        Article(id="body", title="T", body="word " * 3_000),
        Article(id="given", title="T", body="word " * 3_000, word_count=400),
        Article(id="blank", title="T", body="  "),
        Article(id="none", title="T", abstract="An abstract"),
    ]
    with sqlite_database.write() as connection:
        assert articles.upsert(connection, articles_frame(rows)).stored == 4
        assert articles.upsert(connection, articles_frame(rows)).duplicate == 4
        stored, _ = articles.upserted_since(connection, 0)
    assert dict(stored.select("id", "word_count").iter_rows()) == {
        "body": 3_000,
        "given": 400,
        "blank": None,
        "none": None,
    }


def test_looking_for_what_is_new_reads_nothing_old(sqlite_database: Database) -> None:
    """Every process looks once a second, and may have hundreds of thousands of articles."""
    requested: list[tuple[str, Any]] = []
    with sqlite_database.write() as connection:
        articles.upsert(connection, articles_frame(Article(id=f"a{i}", title="Title") for i in range(50)))
    with sqlite_database.read() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *reported: requested.append(reported[2:4]))
        articles.upserted_since(connection, 1)
        withdrawals.withdrawn_since(connection, 1)
        queries = list(requested)
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all() for text, values in queries
        ]
    steps = [step.detail for plan in plans for step in plan]
    assert len(queries) == 2
    by_revision = [step for step in steps if "revision>?" in step]
    assert len(by_revision) == 2
    assert not any(step.startswith("SCAN") for step in steps), steps
