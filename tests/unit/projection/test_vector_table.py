"""Vectors of articles: encoded once, stored in chunks, aligned with dense ids."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from recsys.domain import Article
from recsys.encoder.article_text import ArticleText
from recsys.encoder.protocols import Encoded
from recsys.errors import EncoderError
from recsys.frames import articles_frame
from recsys.projection import vector_table
from recsys.projection.vector_table import VectorTable, align_vectors, ensure_vectors, stored_vectors
from recsys.state.live_state import LiveState
from recsys.store.database import Database
from tests.hashed import DIM, hashed
from tests.trained import HashEncoder


def frame(count: int, title: str = "Title") -> pl.DataFrame:
    return articles_frame(Article(id=f"a{i}", title=f"{title} {i}", category="sport") for i in range(count))


def test_an_unchanged_text_is_never_encoded_twice(database: Database) -> None:
    encoder = HashEncoder()
    first = ensure_vectors(database, encoder, frame(5))
    again = ensure_vectors(database, encoder, frame(6))
    np.testing.assert_array_equal(again[:5], first)
    assert [text.headline for text in encoder.encoded] == [f"sport: Title {i}" for i in range(6)]


def test_articles_with_the_same_text_share_a_vector(sqlite_database: Database) -> None:
    encoder = HashEncoder()
    twins = articles_frame(
        [Article(id="a", title="One", category="sport"), Article(id="b", title="One", category="sport")]
    )
    both = ensure_vectors(sqlite_database, encoder, twins)
    assert len(encoder.encoded) == 1
    np.testing.assert_array_equal(both[0], both[1])


def test_a_changed_text_is_encoded_anew(sqlite_database: Database) -> None:
    encoder = HashEncoder()
    first = ensure_vectors(sqlite_database, encoder, frame(2))
    second = ensure_vectors(sqlite_database, encoder, frame(2, "Other title"))
    assert len(encoder.encoded) == 4
    assert not np.allclose(first, second)


def test_encoders_never_share_vectors(sqlite_database: Database) -> None:
    one, other = HashEncoder(), HashEncoder()
    other.name = "another"
    ensure_vectors(sqlite_database, one, frame(2))
    assert not stored_vectors(sqlite_database, other.name, frame(2))[0].any()
    ensure_vectors(sqlite_database, other, frame(2))
    assert len(other.encoded) == 2


def test_bodies_are_encoded_under_a_name_of_their_own(sqlite_database: Database) -> None:
    one, other = HashEncoder(), HashEncoder()
    other.name = "hash@64x3-body192"
    article = articles_frame([Article(id="a", title="One", abstract="Short.", body="Long.")])
    short = ensure_vectors(sqlite_database, one, article)
    long = ensure_vectors(sqlite_database, other, article)
    assert [text.abstract for text in (*one.encoded, *other.encoded)] == ["Short.", "Short.\nLong."]
    present, stored = stored_vectors(sqlite_database, other.name, article)
    assert present.all()
    np.testing.assert_array_equal(stored, long)
    assert not np.allclose(short, long)


class Dying(HashEncoder):
    """Is killed in its second chunk."""

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        if self.encoded:
            raise EncoderError("killed")
        return super().encode(texts)


def test_a_kill_between_chunks_costs_one_chunk(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_table, "CHUNK", 4)
    with pytest.raises(EncoderError):
        ensure_vectors(database, Dying(), frame(10))
    assert stored_vectors(database, HashEncoder.name, frame(10))[0].tolist() == [True] * 4 + [False] * 6
    reported: list[tuple[int, int]] = []
    encoder = HashEncoder()
    found = ensure_vectors(database, encoder, frame(10), lambda done, total: reported.append((done, total)))
    assert [text.headline for text in encoder.encoded] == [f"sport: Title {i}" for i in range(4, 10)]
    assert reported == [(4, 6), (6, 6)]
    np.testing.assert_array_equal(found, hashed([ArticleText(f"sport: Title {i}", "sport") for i in range(10)]))


def test_stored_vectors_come_in_the_order_of_the_articles(sqlite_database: Database) -> None:
    encoder = HashEncoder()
    ensure_vectors(sqlite_database, encoder, frame(3))
    mixed = pl.concat([frame(1, "Unknown"), frame(3)[::-1]])
    present, found = stored_vectors(sqlite_database, encoder.name, mixed)
    assert present.tolist() == [False, True, True, True]
    np.testing.assert_array_equal(found, hashed([ArticleText(f"sport: Title {i}", "sport") for i in (2, 1, 0)]))


def test_no_articles_have_no_vectors(sqlite_database: Database) -> None:
    assert ensure_vectors(sqlite_database, HashEncoder(), frame(0)).shape == (0, 0)
    present, found = stored_vectors(sqlite_database, "any", frame(0))
    assert (len(present), found.shape) == (0, (0, 0))


def test_a_table_knows_which_rows_have_a_vector() -> None:
    table = VectorTable()
    table.put(np.asarray([3, 1]), np.ones((2, DIM), dtype=np.float32))
    assert table.has(np.asarray([0, 1, 2, 3, 1_000])).tolist() == [False, True, False, True, False]
    table.put(np.asarray([500]), np.full((1, DIM), 2, dtype=np.float32))
    assert table.take(np.asarray([500, 1]))[:, 0].tolist() == [2.0, 1.0]
    table.put(np.asarray([], dtype=np.int64), np.zeros((0, 0), dtype=np.float32))
    assert not VectorTable().has(np.asarray([0])).any()


def test_a_table_is_aligned_with_the_state() -> None:
    state = LiveState()
    state.upsert_articles(frame(3)[::-1])
    found = hashed([ArticleText("a b"), ArticleText("c d"), ArticleText("e f")])
    table = align_vectors(state, frame(3), found)
    np.testing.assert_array_equal(table.take(state.rows_of(["a0", "a1", "a2"])), found)
