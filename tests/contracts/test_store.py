"""Log, articles, vectors and monitor rows, on every database."""

import threading
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from recsys.domain import DAY, Article, Event, EventKind, Slate
from recsys.errors import ConfigError, StoreError
from recsys.frames import ARTICLE_ATTENTION, articles_frame, events_frame, slates_frame
from recsys.state.catalog import Catalog
from recsys.store import (
    article_vectors,
    articles,
    attention_stats,
    event_log,
    event_log_reader,
    ingest_checkpoints,
    reader_rows,
    withdrawals,
)
from recsys.store.database import Database, open_database
from recsys.store.log_outbox import rows_after


def click(id: str, known_at: int = DAY, reader: str = "r", article: str | None = "a", **more: object) -> Event:
    return Event(
        id=id, reader=reader, kind=EventKind.CLICK, at=known_at, known_at=known_at, article=article, **more
    )  # type: ignore[arg-type]


def slate(id: str, known_at: int = DAY, candidates: tuple[str, ...] = ("a", "b")) -> Slate:
    return Slate(id=id, reader="r", at=known_at, known_at=known_at, candidates=candidates)


def append(database: Database, events: list[Event], slates: list[Slate] | None = None) -> event_log.Appended:
    with database.write() as connection:
        return event_log.append_frames(connection, events_frame(events), slates_frame(slates or []))


def read_all(database: Database, **how: object) -> list[str]:
    """Ids of the log in the order of the fold."""
    found = []
    with database.read() as connection:
        for chunk in event_log_reader.stream(connection, **how):  # type: ignore[arg-type]
            rows = pl.concat([chunk.events.select("known_at", "id"), chunk.slates.select("known_at", "id")])
            found += rows.sort("known_at", "id")["id"].to_list()
    return found


def test_appending_twice_stores_once(database: Database) -> None:
    first = append(database, [click("1"), click("2")], [slate("s")])
    second = append(database, [click("1"), click("2"), click("3")], [slate("s")])
    assert (first.events_stored, first.slates_stored) == (2, 1)
    assert (second.events_stored, second.events_duplicate) == (1, 2)
    assert (second.slates_stored, second.slates_duplicate) == (0, 1)
    assert read_all(database) == ["1", "2", "3", "s"]


@pytest.mark.parametrize("count", [1, 49, 50, 300])
def test_a_group_of_any_size_is_stored_as_it_is_and_again_not_at_all(database: Database, count: int) -> None:
    odd = {"request_id": 'a "quote",\t\\N', "session": "", "device": None, "position": 3, "value": 0.1}
    rows = [click(f"{number:03}", DAY + number, **(odd if number % 2 else {})) for number in range(count)]
    for stored in (count, 0):
        with database.write() as connection:
            appended = event_log.append_rows(connection, rows, [], event_log.lock(connection))
        assert len(appended.stored) == stored
        assert appended.last_seq == count
    with database.read() as connection:
        assert [row for _, row in rows_after(connection, 0, 1_000)] == rows


def test_an_id_stored_with_other_content_is_a_conflict_and_the_first_stays(database: Database) -> None:
    append(database, [click("1", article="a")], [slate("s")])
    result = append(
        database,
        [click("1", article="b"), click("2", article="c"), click("2", article="d")],
        [slate("s", candidates=("z",))],
    )
    assert result.events_stored == 1
    assert sorted(result.event_conflicts["article"].to_list()) == ["b", "d"]
    assert result.slate_conflicts["id"].to_list() == ["s"]
    with database.read() as connection:
        everything = event_log_reader.tail(connection, 0)
    assert [event.article for event in everything.events] == ["a", "c"]
    assert [slate.candidates for slate in everything.slates] == [("a", "b")]


def test_books_balance_for_every_append(database: Database) -> None:
    events = [click("1"), click("1"), click("1", article="x"), click("2")]
    result = append(database, events)
    assert result.events_stored + result.events_duplicate + result.event_conflicts.height == len(events)


def test_seq_counts_events_and_slates_together_without_gaps(database: Database) -> None:
    append(database, [click("1"), click("2")], [slate("s")])
    append(database, [click("2"), click("3")], [slate("t")])
    with database.read() as connection:
        assert event_log.position(connection).last_seq == 5
        assert event_log.position(connection).last_known_at == DAY
        tail = event_log_reader.tail(connection, after_seq=3)
    assert [event.id for event in tail.events] == ["3"]
    assert [slate.id for slate in tail.slates] == ["t"]


def test_the_log_reads_in_order_of_known_at_then_id_bytewise(database: Database) -> None:
    append(database, [click("b"), click("é"), click("B"), click("a", known_at=DAY + 1), click("_", known_at=1)])
    assert read_all(database) == ["_", "B", "b", "é", "a"]


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 100])
def test_batches_of_any_size_read_the_same_log(database: Database, batch_rows: int) -> None:
    events = [click(f"e{i:02}", known_at=1 + i // 3) for i in range(20)]
    slates = [slate(f"s{i:02}", known_at=1 + i) for i in range(10)]
    append(database, events, slates)
    expected = sorted([(e.known_at, e.id) for e in events] + [(s.known_at, s.id) for s in slates])
    assert read_all(database, batch_rows=batch_rows) == [id for _, id in expected]


def test_reading_starts_behind_a_key_and_stops_before_a_time(database: Database) -> None:
    append(database, [click("a", 1), click("b", 1), click("c", 2), click("d", 3)], [slate("s", 2)])
    assert read_all(database, after=event_log_reader.Key(1, "a"), until=3) == ["b", "c", "s"]


def test_a_tail_knows_its_first_and_last_key(database: Database) -> None:
    append(database, [click("a", 5)], [slate("s", 2), slate("t", 9)])
    with database.read() as connection:
        tail = event_log_reader.tail(connection, 0)
        none = event_log_reader.tail(connection, 99)
    assert (tail.first, tail.last) == (event_log_reader.Key(2, "s"), event_log_reader.Key(9, "t"))
    assert (none.first, none.last) == (None, None)


def test_an_impression_event_that_quotes_a_request_is_not_read(database: Database) -> None:
    shown = [
        Event(id=id, reader="r", kind=EventKind.IMPRESSION, at=DAY, known_at=DAY, article="a", request_id=quoted)
        for id, quoted in (("quotes", "s"), ("alone", None), ("elsewhere", "unknown"))
    ]
    append(database, shown, [slate("s")])
    assert read_all(database) == ["alone", "s"]


def test_only_a_slate_shown_to_the_reader_before_is_quoted(database: Database) -> None:
    later = DAY + 5
    quoting = [
        click("good", later, request_id="s"),
        click("made-up", later, request_id="nothing"),
        click("stranger", later, reader="q", request_id="s"),
        click("early", DAY - 1, request_id="s"),
    ]
    append(database, quoting, [slate("s")])
    with database.read() as connection:
        events = event_log_reader.tail(connection, 0).events
    assert {event.id: event.request_id for event in events} == {
        "good": "s",
        "made-up": None,
        "stranger": None,
        "early": None,
    }


def test_empty_strings_nulls_quotes_and_newlines_survive(database: Database) -> None:
    odd = Article(id="1", title='a "quoted"\r\n, line', abstract="", entities=("x,y", 'q"'))
    with database.write() as connection:
        articles.upsert(connection, articles_frame([odd]))
        found = articles.get(connection, ["1"]).row(0, named=True)
    assert (found["title"], found["abstract"], found["body"]) == (odd.title, "", None)
    assert found["entities"] == ["x,y", 'q"']


def test_articles_upsert_counts_new_changed_and_unchanged(database: Database) -> None:
    with database.write() as connection:
        first = articles.upsert(
            connection, articles_frame([Article(id="1", title="one"), Article(id="2", title="two")])
        )
        changed = [Article(id="1", title="one"), Article(id="2", title="TWO"), Article(id="3", title="3")]
        second = articles.upsert(connection, articles_frame(changed))
        titles = articles.get(connection, ["3", "2", "nobody"])["title"].to_list()
    assert first == articles.Upserted(2, 0, 0)
    assert second == articles.Upserted(1, 1, 1)
    assert titles == ["3", "TWO"]


def test_upserted_since_gives_only_what_changed(database: Database) -> None:
    with database.write() as connection:
        articles.upsert(
            connection, articles_frame([Article(id="1", title="one", body="text"), Article(id="2", title="two")])
        )
        frame, revision = articles.upserted_since(connection, 0)
        articles.upsert(
            connection, articles_frame([Article(id="1", title="one", body="text"), Article(id="2", title="TWO")])
        )
        later, newest = articles.upserted_since(connection, revision, with_body=True)
        none, same = articles.upserted_since(connection, newest)
    assert frame["id"].to_list() == ["1", "2"]
    assert frame["body"].to_list() == [None, None]
    assert later["title"].to_list() == ["TWO"]
    assert (none.height, same) == (0, newest)


def test_known_ids_and_openings_and_touched(database: Database) -> None:
    append(database, [click("1", article="a"), click("2", reader="q", article="b")])
    with database.write() as connection:
        articles.upsert(connection, articles_frame([Article(id="a", title="x")]))
        assert articles.known_ids(connection, ["a", "b"]) == {"a"}
        assert reader_rows.clicks_of_readers(connection, ["q"]).rows() == [("q", "b", DAY)]
        assert reader_rows.seen_articles(connection, "r", 10**18) == {"a"}
        assert articles.count(connection) == 1


def test_a_transaction_that_fails_stores_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        event_log.append_frames(connection, events_frame([click("1")]), None)
        raise RuntimeError
    assert read_all(database) == []
    assert append(database, [click("1")]).events_stored == 1


def test_writers_at_once_leave_no_gap_and_lose_nothing(database: Database) -> None:
    def write(who: int) -> None:
        for i in range(10):
            append(database, [click(f"{who}-{i}")])

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_all(database)) == 40
    with database.read() as connection:
        assert event_log.position(connection).last_seq == 40


def test_vectors_are_kept_by_model_and_text(database: Database) -> None:
    vector = np.arange(3, dtype=np.float32)
    with database.write() as connection:
        article_vectors.save(connection, "m", {"h": vector})
        article_vectors.save(connection, "m", {"h": vector + 1})
        article_vectors.save(connection, "m", {})
        found = article_vectors.load(connection, "m", ["h", "other"])
        assert article_vectors.load(connection, "n", ["h"]) == {}
    assert list(found) == ["h"]
    assert np.array_equal(found["h"], vector)


def seen(text_hash: str, calibrator: str = "c", **more: object) -> dict[str, object]:
    numbers = {name: 0.25 for name, kind in ARTICLE_ATTENTION.items() if kind == pl.Float64}
    return {"model": "m", "text_hash": text_hash, "calibrator": calibrator, **numbers, "gated": True, **more}


def test_attention_statistics_are_kept_by_model_text_and_calibrator(database: Database) -> None:
    first = pl.DataFrame([seen("b"), seen("a", score=0.5), seen("a", "d")], schema=ARTICLE_ATTENTION)
    with database.write() as connection:
        attention_stats.save(connection, first)
        attention_stats.save(connection, pl.DataFrame([seen("b", gated=False)], schema=ARTICLE_ATTENTION))
        attention_stats.save(connection, first.clear())
        found = attention_stats.load(connection, "m", "c", ["a", "b", "b", "other"])
        assert attention_stats.load(connection, "n", "c", ["a"]).is_empty()
    assert found.to_dicts() == [seen("a", score=0.5), seen("b")]


def test_the_monitor_lists_its_newest_rows_first(database: Database) -> None:
    numbers = dict.fromkeys(
        ("score_p50", "score_p99", "flag_rate", "gated_share", "entropy_psi", "received_kl", "seconds_per_text")
    )
    rows = [attention_stats.MonitorRow(DAY, "v1", "c", 7, **numbers, breaker_open=False) for _ in range(3)]
    rows[2] = replace(rows[2], score_p50=0.5, breaker_open=True, alert="page: a flood")
    with database.write() as connection:
        for row in rows:
            attention_stats.record(connection, row)
    with database.read() as connection:
        assert attention_stats.newest(connection, 2) == [rows[2], rows[1]]


def test_checkpoints_are_replaced(database: Database) -> None:
    with database.write() as connection:
        assert ingest_checkpoints.load(connection, "j") is None
        ingest_checkpoints.save(connection, "j", ingest_checkpoints.Checkpoint(1, {"stored": 5}))
        ingest_checkpoints.save(connection, "j", ingest_checkpoints.Checkpoint(2, {"stored": 9}, done=True))
        assert ingest_checkpoints.load(connection, "j") == ingest_checkpoints.Checkpoint(
            2, {"stored": 9}, done=True
        )


def test_opening_again_migrates_nothing_and_keeps_the_log(database: Database) -> None:
    append(database, [click("1")])
    again = open_database(database.url, migrate=False)
    assert read_all(again) == ["1"]
    again.close()


def test_a_database_without_schema_is_refused_when_migration_is_off(database_url: str) -> None:
    with pytest.raises(StoreError, match="attune migrate"):
        open_database(database_url, migrate=False)


@pytest.mark.parametrize("url", ["mysql://x", "nonsense", ""])
def test_a_wrong_url_says_what_to_set(url: str) -> None:
    with pytest.raises((ConfigError, StoreError), match="ATTUNE_DATABASE_URL"):
        open_database(url)


def test_a_server_that_is_not_there_says_where_it_looked() -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1"):
        open_database("postgresql+psycopg://nobody@127.0.0.1:1/none")


def test_one_slate_is_appended_as_many_are(database: Database) -> None:
    full = Slate(
        id="q1",
        reader="r",
        at=10,
        known_at=12,
        candidates=("a", "é"),
        ordered=True,
        scores=(0.5, 0.25),
        propensities=(1.0, 0.9),
        model="m",
        session="s",
        device="d",
        page="p",
    )
    with database.write() as connection:
        event_log.append_rows(connection, [], [full], event_log.lock(connection))
        event_log.append_rows(connection, [], [full], event_log.lock(connection))
        later = Slate(id="q2", reader="r", at=20, known_at=22, candidates=("b",))
        event_log.append_rows(connection, [], [later], event_log.lock(connection))
        assert event_log.position(connection) == event_log.Position(2, 22)
        stored = event_log_reader.tail(connection, 0).slates
        event_log.append_frames(
            connection, None, slates_frame([Slate(id="q3", reader="r2", at=30, known_at=32, candidates=("c",))])
        )
        assert event_log.position(connection) == event_log.Position(3, 32)
    assert [slate.id for slate in stored] == ["q1", "q2"]
    assert [slate.candidates for slate in stored] == [("a", "é"), ("b",)]
    assert [slate.ordered for slate in stored] == [True, False]


DANISH = "Kommunen vil bygge en ny cykelsti gennem den gamle bydel, men naboerne frygter støjen"


def test_the_language_of_an_article_is_detected_if_it_is_not_given(database: Database) -> None:
    rows = [
        Article(id="unknown", title=DANISH),
        Article(id="given", title=DANISH, language="en-GB"),
        Article(id="short", title="Live"),
    ]
    with database.write() as connection:
        first = articles.upsert(connection, articles_frame(rows))
        again = articles.upsert(connection, articles_frame(rows))
        stored = articles.get(connection, [row.id for row in rows])
    assert (first.stored, again.duplicate, again.updated) == (3, 3, 0)
    assert stored["language"].to_list() == ["da", "en-GB", None]


def test_a_copy_with_a_given_language_is_of_the_story_of_a_detected_one(database: Database) -> None:
    when = {"title": DANISH, "published_at": DAY, "source": "S"}
    rows = [
        Article(id="detected", **when),  # type: ignore[arg-type]
        Article(id="given", language="da-DK", **when),  # type: ignore[arg-type]
        Article(id="other", language="en", **when),  # type: ignore[arg-type]
    ]
    with database.write() as connection:
        articles.upsert(connection, articles_frame(rows))
        stored = articles.get(connection, [row.id for row in rows])
    catalog = Catalog()
    catalog.reserve(len(rows))
    catalog.upsert(np.arange(len(rows)), stored)
    assert catalog.stories().copies.tolist() == [0, 1]


def test_articles_are_counted_by_language_without_the_withdrawn(database: Database) -> None:
    codes = ["da", "da-DK", "dan", "en", None, "en"]
    rows = [Article(id=f"a{i}", title="Live", language=code) for i, code in enumerate(codes)]
    with database.write() as connection:
        articles.upsert(connection, articles_frame(rows))
        withdrawals.withdraw(connection, ["a5"])
        assert articles.language_counts(connection) == {"da": 3, "en": 1, None: 1}
