"""Articles are withdrawn, deleted and restored, on every database."""

import sqlalchemy as sa

from recsys.domain import Article
from recsys.frames import articles_frame
from recsys.store import articles, withdrawals
from recsys.store.database import Connection, Database


def put(connection: Connection, **titles: str) -> None:
    articles.upsert(connection, articles_frame(Article(id=id_, title=title) for id_, title in titles.items()))


def test_a_withdrawn_article_is_gone_and_reported_once(database: Database) -> None:
    with database.write() as connection:
        put(connection, a="one", b="two")
        _, before = articles.upserted_since(connection, 0)
        assert withdrawals.withdraw(connection, ["a"]) == ["a"]
        assert withdrawals.withdraw(connection, ["a"]) == []
        gone, newest = withdrawals.withdrawn_since(connection, before)
        assert (gone, newest) == (["a"], before + 1)
        assert withdrawals.withdrawn_since(connection, newest) == ([], newest)
        assert articles.known_ids(connection, ["a", "b"]) == {"b"}
        assert articles.get(connection, ["a", "b"])["id"].to_list() == ["b"]
        assert articles.get(connection, ["a", "b"], with_withdrawn=True)["id"].to_list() == ["a", "b"]
        assert articles.count(connection) == 1


def test_a_content_write_is_stored_and_does_not_end_a_withdrawal(database: Database) -> None:
    with database.write() as connection:
        put(connection, a="one")
        withdrawals.withdraw(connection, ["a"])
        put(connection, a="ONE", b="two")
    with database.read() as connection:
        changes = articles.changes_since(connection, 0)
        assert (changes.upserted["id"].to_list(), changes.withdrawn) == (["b"], ["a"])
        assert articles.get(connection, ["a"], with_withdrawn=True)["title"].item() == "ONE"


def test_restoring_ends_a_withdrawal_and_is_news_to_every_process(database: Database) -> None:
    with database.write() as connection:
        put(connection, a="one", b="two")
        withdrawals.withdraw(connection, ["a"])
        put(connection, a="ONE")
        seen = articles.changes_since(connection, 0).revision
        withdrawals.restore(connection, ["a", "b", "nobody"])
        changes = articles.changes_since(connection, seen)
        assert (changes.upserted["title"].to_list(), changes.withdrawn) == (["ONE"], [])
        withdrawals.restore(connection, ["a"])
        assert articles.changes_since(connection, changes.revision).upserted.is_empty()
        assert withdrawals.withdraw(connection, ["a"]) == ["a"]
        assert articles.changes_since(connection, changes.revision).withdrawn == ["a"]


def test_a_deleted_article_has_no_content_and_stays_withdrawn(database: Database) -> None:
    with database.write() as connection:
        put(connection, a="one")
        assert articles.delete(connection, "a")
        assert not articles.delete(connection, "a")
        assert not articles.delete(connection, "nobody")
        assert withdrawals.withdrawn(connection, ["a", "nobody"]) == {"a"}
        put(connection, a="one")
        assert articles.upserted_since(connection, 0)[0].is_empty()


def test_no_revision_is_given_twice(database: Database) -> None:
    """A process that has seen a withdrawal must see the next article, also after the withdrawal was lifted."""
    with database.write() as connection:
        put(connection, a="one")
        articles.delete(connection, "a")
        seen = articles.changes_since(connection, 0).revision
        withdrawals.restore(connection, ["a"])
        put(connection, b="two")
        assert articles.changes_since(connection, seen).upserted["id"].to_list() == ["b"]


def test_a_withdrawn_article_is_a_row_of_sql(database: Database) -> None:
    with database.write() as connection:
        withdrawals.withdraw(connection, ["a"])
    with database.read() as connection:
        assert connection.execute(sa.text("SELECT id, lifted FROM withdrawals")).one() == ("a", False)


def test_content_hashes_change_with_content_only(database: Database) -> None:
    with database.write() as connection:
        articles.upsert(connection, articles_frame([Article(id="1", title="one"), Article(id="2", title="two")]))
        first = articles.content_hashes(connection, ["1", "2", "3"])
        articles.upsert(connection, articles_frame([Article(id="1", title="one"), Article(id="2", title="TWO")]))
        second = articles.content_hashes(connection, ["1", "2"])
    assert first.keys() == {"1", "2"}
    assert first["1"] == second["1"] == "df6aae320cc354f5ab7c4883bc90a78b", "also with more fields"
    assert first["2"] != second["2"]
