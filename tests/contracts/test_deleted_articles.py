"""What deleting articles promises, on every database."""

from recsys.domain import Article
from recsys.frames import articles_frame
from recsys.store import articles
from recsys.store.database import Database


def test_a_deleted_article_is_gone_and_told_of_once(database: Database) -> None:
    with database.write() as connection:
        articles.upsert(connection, articles_frame([Article(id="1", title="one"), Article(id="2", title="two")]))
        _, before = articles.upserted_since(connection, 0)
        assert articles.delete(connection, "1")
        assert not articles.delete(connection, "1")
        assert not articles.delete(connection, "nobody")
        gone, newest = articles.deleted_since(connection, before)
        assert (gone, newest) == (["1"], before + 1)
        assert articles.deleted_since(connection, newest) == ([], newest)
        assert articles.known_ids(connection, ["1", "2"]) == {"2"}


def test_a_change_after_a_deletion_is_newer_and_publishing_again_undoes_it(database: Database) -> None:
    with database.write() as connection:
        articles.upsert(connection, articles_frame([Article(id="1", title="one")]))
        articles.delete(connection, "1")
        _, seen = articles.deleted_since(connection, 0)
        articles.upsert(connection, articles_frame([Article(id="1", title="one"), Article(id="2", title="two")]))
        changed, newest = articles.upserted_since(connection, seen)
        assert changed["id"].to_list() == ["1", "2"]
        assert newest > seen
        assert articles.deleted_since(connection, 0) == ([], 0)


def test_content_hashes_change_with_content_only(database: Database) -> None:
    with database.write() as connection:
        articles.upsert(connection, articles_frame([Article(id="1", title="one"), Article(id="2", title="two")]))
        first = articles.content_hashes(connection, ["1", "2", "3"])
        articles.upsert(connection, articles_frame([Article(id="1", title="one"), Article(id="2", title="TWO")]))
        second = articles.content_hashes(connection, ["1", "2"])
    assert first.keys() == {"1", "2"}
    assert first["1"] == second["1"] == "df6aae320cc354f5ab7c4883bc90a78b", "also with more fields"
    assert first["2"] != second["2"]
