"""The feed that lives: what it logs, what it folds, and how it starts, stops and takes in articles."""

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from api.application.context import Application
from api.application.ingestion import append_events
from ingest.http_ingest import Received, store_articles
from recsys.calibration.attention_statistics import Observation
from recsys.calibration.breaker import LEAST
from recsys.calibration.calibrator import Calibrator, Inspection
from recsys.calibration.calibrator_files import calibration_of
from recsys.domain import DAY, HOUR, FeedRequest, Ranking, RankRequest, WebhookEvent
from recsys.encoder.article_text import ArticleText, article_texts, text_hash
from recsys.encoder.protocols import Encoded
from recsys.errors import BundleError, EncoderBusyError, EncoderError
from recsys.feed.point_in_time import engine_at
from recsys.models import bundle
from recsys.projection.vector_table import ensure_vectors, stored_vectors
from recsys.serving import background_jobs
from recsys.serving.feed_service import FeedService
from recsys.settings import Settings
from recsys.store import (
    article_vectors,
    articles,
    attention_stats,
    erasure,
    event_log,
    event_log_reader,
    webhook_outbox,
    webhooks,
)
from recsys.store.database import Database
from recsys.store.webhooks import Webhook
from tests.calibrated import eager, with_calibration
from tests.hashed import HashModel, hashed
from tests.trained import HashEncoder, Place, world
from tests.unit.calibration.small import small_calibrator

WITHIN = 30.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", index="exact", device="cpu", _env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def filled(database: Database) -> Database:
    """The small world."""
    with database.write() as connection:
        articles.upsert(connection, world().articles)
        event_log.append_frames(connection, world().events, world().slates)
    return database


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[..., FeedService]]:
    """Starts services; all are stopped in the end."""
    started: list[FeedService] = []

    def begin(database: Database, encoder: HashEncoder | None = None, **changes: Any) -> FeedService:
        service = FeedService(database, settings.model_copy(update=changes), encoder or HashEncoder())
        service.start()
        started.append(service)
        return service

    yield begin
    for service in started:
        service.stop()


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def feed(service: FeedService, reader: str = "r00001", **requested: Any) -> Ranking:
    request_id = requested.pop("request_id", f"request-{time.monotonic_ns()}")
    return service.feed(FeedRequest(request_id=request_id, as_of=0, reader=reader, **requested)).ranking


def send(service: FeedService, *rows: dict[str, Any]) -> Received:
    return append_events(Application.of(service), rows)


def publish(service: FeedService, *rows: dict[str, Any]) -> None:
    store_articles(service.database, rows, service.clock.next())
    service.background_jobs.articles.wake()


def knows(service: FeedService, id_: str) -> bool:
    return bool(service.engine.vectors.has(service.engine.state.rows_of([id_]))[0])


def test_it_serves_before_anything_was_stored(database: Database, start: Callable[..., FeedService]) -> None:
    service = start(database)
    assert service.engine.models.version == "starting"
    assert feed(service).items == ()
    assert [
        item.id
        for item in service.rank(
            RankRequest(request_id="r", as_of=0, candidates=("b", "a"), reader="nobody")
        ).items
    ] == ["a", "b"]
    until(service.ready.is_set)
    with database.read() as connection:
        assert event_log.position(connection).last_seq == 0, "an empty feed is not an impression"


def test_a_feed_is_in_the_log_before_it_is_answered(filled: Database, start: Callable[..., FeedService]) -> None:
    service = start(filled)
    until(service.ready.is_set)
    answer = feed(service, request_id="shown", limit=7, explore=0.5, device="mobile", page="a000003")
    with filled.read() as connection:
        slates = pl.concat([chunk.slates for chunk in event_log_reader.stream(connection)]).filter(
            pl.col("id") == "shown"
        )
    (slate,) = slates.to_dicts()
    assert slate["candidates"] == [item.id for item in answer.items]
    assert (slate["at"], slate["ordered"]) == (answer.as_of, True)
    assert (slate["device"], slate["page"]) == ("mobile", "a000003")
    assert slate["known_at"] > answer.as_of
    state = service.with_engine(lambda engine, _: engine.state)
    first = state.exposures.of(state.readers.get("r00001"))[0][-7:]
    assert sorted(state.articles.strings[row] for row in first) == sorted(slate["candidates"])


def test_a_ranking_is_not_logged(filled: Database, start: Callable[..., FeedService]) -> None:
    service = start(filled)
    with filled.read() as connection:
        before = event_log.position(connection)
    service.rank(RankRequest(request_id="r", as_of=0, candidates=("a000001",), reader="r00001"))
    with filled.read() as connection:
        assert event_log.position(connection) == before


def test_events_of_a_reader_count_from_the_next_request_on(
    filled: Database, start: Callable[..., FeedService]
) -> None:
    service = start(filled)
    until(service.ready.is_set)
    first = feed(service).items[0].id
    row = {"reader": "r00001", "article": first, "kind": "click"}
    assert send(service, row, {"kind": "glance"}).accepted == 1
    assert first not in {item.id for item in feed(service, limit=100).items}


def test_rows_of_another_process_are_folded_before_the_next_answer(
    filled: Database, start: Callable[..., FeedService]
) -> None:
    service = start(filled)
    until(service.ready.is_set)
    first = feed(service).items[0].id
    other = start(filled)
    send(other, {"reader": "r00001", "article": first, "kind": "hide"})
    assert first not in {item.id for item in feed(service, limit=100).items}


def test_answers_lie_after_all_that_was_known_also_in_a_log_from_the_future(
    sqlite_database: Database, start: Callable[..., FeedService]
) -> None:
    ahead = time.time_ns() // 1_000 + HOUR
    shift = ahead - int(world().events["known_at"].max())  # type: ignore[arg-type]
    with sqlite_database.write() as connection:
        articles.upsert(connection, world().articles)
        event_log.append_frames(connection, world().events.with_columns(pl.col("known_at") + shift), None)
    service = start(sqlite_database)
    answers = [feed(service, "q").as_of for _ in range(3)]
    assert ahead < answers[0] < answers[1] < answers[2]


def test_many_threads_get_answers_that_a_replay_confirms(
    filled: Database, settings: Settings, start: Callable[..., FeedService]
) -> None:
    service = start(filled)
    until(service.ready.is_set)

    def visit(number: int) -> tuple[FeedRequest, Ranking]:
        request = FeedRequest(
            request_id=f"visit-{number}", as_of=0, reader=f"visitor-{number % 3}", limit=5, explore=0.3
        )
        answer = service.feed(request).ranking
        send(service, {"reader": request.reader, "article": answer.items[0].id, "kind": "click"})
        return request, answer

    with ThreadPoolExecutor(4) as pool:
        visits = list(pool.map(visit, range(12)))
    for request, answer in visits:
        engine = engine_at(filled, settings, HashEncoder(), answer.as_of)
        assert engine.recommend(dataclasses.replace(request, as_of=answer.as_of)).ranking == answer


def test_new_articles_are_known_and_searchable_at_once(
    database: Database, start: Callable[..., FeedService]
) -> None:
    service = start(database)
    publish(service, {"id": "new", "title": "Fresh off the press", "category": "sport"})
    until(lambda: knows(service, "new"))
    (item,) = feed(service).items
    assert (item.id, item.source) == ("new", "trending")
    assert service.engine.index is not None
    assert service.engine.index.ids() == ["new"]


def test_articles_that_another_process_stores_are_taken_in(
    database: Database, start: Callable[..., FeedService], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_jobs, "_POLL_SECONDS", 0.02)
    service = start(database)
    with database.write() as connection:
        articles.upsert(connection, world().articles)
    until(lambda: knows(service, world().articles["id"][0]))


def test_traffic_is_counted_once_a_turn_also_while_rows_arrive_all_the_time(
    database: Database, start: Callable[..., FeedService]
) -> None:
    looks: list[str] = []
    service = start(database)

    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT traffic_position"):
            looks.append(statement)
            send(service, {"id": f"e{len(looks)}", "reader": "u1", "kind": "click", "article": "a"})

    sa.event.listen(database.engine, "before_cursor_execute", look)
    service.background_jobs.traffic.wake()
    until(lambda: looks)
    time.sleep(0.3)
    assert len(looks) <= 2, "the click that comes meanwhile waits for the next turn; the start has a turn, too"


def test_a_changed_article_replaces_its_vector(database: Database, start: Callable[..., FeedService]) -> None:
    encoder = HashEncoder()
    service = start(database, encoder)
    publish(service, {"id": "a", "title": "One", "category": "sport"})
    until(lambda: knows(service, "a"))
    publish(service, {"id": "a", "title": "Two", "category": "world"})
    expected = hashed([ArticleText("world: Two", "world")])
    until(lambda: np.array_equal(service.engine.vectors.take(service.engine.state.rows_of(["a"])), expected))
    assert [text.headline for text in encoder.encoded] == ["sport: One", "world: Two"]
    assert service.rank(RankRequest(request_id="r", as_of=0, candidates=("a",))).items, (
        "and the process with the vector also puts it in the index"
    )
    assert len(service.engine.index or ()) == 1


class Failing(HashEncoder):
    """Fails while it is `broken`."""

    broken = True

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        if self.broken:
            raise EncoderError("no weights")
        return super().encode(texts)


def test_a_failing_encoder_costs_vectors_not_feeds(
    filled: Database, start: Callable[..., FeedService], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_jobs, "_PATIENCE", 0.02)
    encoder = Failing()
    service = start(filled, encoder)
    until(lambda: service.background_jobs.failure)
    assert service.background_jobs.failure == "no weights"
    assert not service.ready.is_set()
    assert feed(service).items
    encoder.broken = False
    until(service.ready.is_set)
    assert service.background_jobs.failure is None
    assert knows(service, world().articles["id"][0])


class Slow(HashEncoder):
    """Encodes until it is let go, if it is slow."""

    def __init__(self) -> None:
        super().__init__()
        self.slow, self.begun, self.let_go = False, threading.Event(), threading.Event()

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        if self.slow:
            self.begun.set()
            assert self.let_go.wait(WITHIN)
        return super().encode(texts)


def test_a_withdrawn_article_is_in_no_feed_while_others_are_encoded(
    filled: Database, start: Callable[..., FeedService]
) -> None:
    encoder = Slow()
    service = start(filled, encoder)
    until(service.ready.is_set)
    gone = [item.id for item in feed(service, limit=5).items]
    encoder.slow = True
    with filled.write() as connection:
        for id_ in gone:
            assert articles.delete(connection, id_)
    mended = next(id_ for id_ in world().articles["id"] if id_ not in gone)
    publish(
        service,
        {"id": "imported", "title": "One of many", "category": "sport"},
        {"id": mended, "title": "Mended", "category": "sport"},
    )
    try:
        assert encoder.begun.wait(WITHIN)
        shown = [
            item.id for reader in ("r00001", "r00002", "new") for item in feed(service, reader, limit=30).items
        ]
        assert shown
        assert not set(shown) & set(gone)
        assert set(service.live.summaries.of(shown)) == set(shown), "all of them can be given out"
        assert service.engine.index is not None
        assert not set(service.engine.index.ids()) & set(gone)
        state = service.engine.state
        assert state.catalog.titles[state.rows_of([mended])[0]] == "Mended"
        assert not knows(service, "imported")
    finally:
        encoder.let_go.set()
    until(lambda: knows(service, "imported"))


def test_a_failing_encoder_keeps_nobody_from_following_the_log(
    filled: Database, start: Callable[..., FeedService], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_jobs, "_PATIENCE", 0.02)
    service = start(filled, Failing())
    until(lambda: service.background_jobs.failure)
    assert service.engine.state.readers.get("r00001") >= 0
    with filled.write() as connection:
        erasure.erase(connection, "r00001", service.clock.next())
    until(lambda: service.engine.state.readers.get("r00001") < 0)
    assert service.background_jobs.failure == "no weights"


def test_a_restart_encodes_nothing_and_reads_the_snapshot(
    filled: Database, settings: Settings, start: Callable[..., FeedService], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(filled)
    until(first.ready.is_set)
    answer = first.rank(
        RankRequest(request_id="r", as_of=0, candidates=tuple(world().articles["id"][:30]), reader="r00001")
    )
    first.stop()
    assert list((settings.home / "state").glob("*.safetensors"))
    folded: list[int] = []
    monkeypatch.setattr(
        "recsys.state.live_state.LiveState.encode",
        lambda self, events, slates: folded.append(events.height),
    )
    encoder = HashEncoder()
    second = start(filled, encoder)
    until(second.ready.is_set)
    assert encoder.encoded == []
    assert sum(folded) == 0
    assert len(second.engine.index or ()) == world().articles.height
    again = second.rank(
        RankRequest(request_id="r", as_of=0, candidates=tuple(world().articles["id"][:30]), reader="r00001")
    )
    assert {item.id for item in again.items} == {item.id for item in answer.items}


def test_a_killed_service_finds_state_and_index_as_they_were_saved_meanwhile(
    filled: Database, settings: Settings, start: Callable[..., FeedService], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("_SAVE_SECONDS", 0.02), ("_MANY_ROWS", 1), ("_MANY_ARTICLES", 1)):
        monkeypatch.setattr(background_jobs, name, value)
    first = start(filled)
    until(
        lambda: list((settings.home / "index").glob("[0-9]*")) and list((settings.home / "state").glob("*.saf*"))
    )
    linked: list[int] = []
    monkeypatch.setattr(
        "recsys.index.exact_index.ExactIndex.add", lambda self, ids, vectors: linked.append(len(ids))
    )
    second = FeedService(filled, settings, HashEncoder())  # the first one never stopped
    second.start()
    assert sum(linked) == 0
    assert second.engine.index is not None and first.engine.index is not None
    assert second.engine.index.ids() == first.engine.index.ids()
    second.stop()


def test_an_older_import_refolds_and_realigns_the_vectors(
    database: Database, settings: Settings, start: Callable[..., FeedService]
) -> None:
    half = int(world().slates["known_at"].median())  # type: ignore[arg-type]
    early = pl.col("known_at") < half
    with database.write() as connection:
        articles.upsert(connection, world().articles)
        event_log.append_frames(connection, world().events.filter(~early), world().slates.filter(~early))
    service = start(database)
    until(service.ready.is_set)
    feed(service)
    before = service.engine.state
    with database.write() as connection:
        event_log.append_frames(connection, world().events.filter(early), world().slates.filter(early))
    answer = feed(service, request_id="after", explore=0.3)
    assert service.engine.state is not before
    for id_ in world().articles["id"].to_list():
        assert knows(service, id_)
    engine = engine_at(database, settings, HashEncoder(), answer.as_of)
    assert (
        engine.recommend(FeedRequest(request_id="after", as_of=answer.as_of, reader="r00001", explore=0.3)).ranking
        == answer
    )


def test_vectors_that_another_process_encodes_are_taken_as_it_stores_them(
    database: Database, start: Callable[..., FeedService]
) -> None:
    class Busy(HashEncoder):
        def encode(self, texts: Sequence[ArticleText]) -> Encoded:
            raise EncoderBusyError("another process encodes")

    store_articles(database, [{"id": id_, "title": f"Title {id_}"} for id_ in ("one", "two")], 1)
    service = start(database, Busy())
    until(lambda: len(service.live.serving.unencoded) == 2)
    with database.read() as connection:
        stored = articles.get(connection, ["one", "two"])
    ensure_vectors(database, HashEncoder(), stored.head(1))
    first, second = stored["id"]
    until(lambda: knows(service, first))
    assert not service.ready.is_set()
    assert service.background_jobs.failure is None
    assert {item.id for item in feed(service).items} == {"one", "two"}
    ensure_vectors(database, HashEncoder(), stored)
    assert service.ready.wait(WITHIN)
    assert knows(service, second)


def test_the_active_bundle_serves(trained: Place, tmp_path: Path) -> None:
    copied = trained.copy(tmp_path / "copy")
    database = copied.open()
    service = FeedService(database, copied.settings, HashEncoder())
    service.start()
    assert feed(service).model == bundle.active_version(copied.home)
    service.stop()
    encoder = HashEncoder()
    encoder.name = "another"
    with pytest.raises(BundleError, match="encoder"):
        FeedService(database, copied.settings, encoder).start()
    database.close()


def vector_of(service: FeedService, id_: str) -> NDArray[np.float32]:
    return service.engine.vectors.take(service.engine.state.rows_of([id_]))[0]


def model_of(service: FeedService) -> str:
    return service.rank(RankRequest(request_id="r", as_of=0, candidates=())).model


@pytest.fixture
def calibrated(trained: Place, tmp_path: Path) -> Iterator[Place]:
    """The trained place with a bundle whose calibrator adjusts every text."""
    copied = trained.copy(tmp_path / "copy")
    with_calibration(copied, eager(), "calibrated")
    yield copied


@pytest.fixture
def opened(calibrated: Place, start: Callable[..., FeedService]) -> Iterator[tuple[FeedService, Database]]:
    """A service on the calibrated bundle that has taken in all articles."""
    database = calibrated.open()
    service = start(database, home=calibrated.home)
    until(service.ready.is_set)
    yield service, database
    service.stop()
    database.close()


CALIBRATED = eager().name_of(HashEncoder.name)


def test_a_calibrated_bundle_has_its_articles_read_again_and_raw_vectors_serve_meanwhile(
    calibrated: Place, start: Callable[..., FeedService], monkeypatch: pytest.MonkeyPatch
) -> None:
    proceed, database = threading.Event(), calibrated.open()
    monkeypatch.setattr("tests.trained.HashModel.observe_tokens", held(HashModel.observe_tokens, proceed))
    service = start(database, home=calibrated.home)
    id_, text = world().articles["id"][0], article_texts(world().articles)[0]
    np.testing.assert_array_equal(vector_of(service, id_), hashed([text])[0])
    assert feed(service).items
    proceed.set()
    until(service.ready.is_set)
    present, stored = stored_vectors(database, CALIBRATED, world().articles)
    assert present.all()
    np.testing.assert_array_equal(vector_of(service, id_), stored[0])
    assert not np.allclose(stored[0], hashed([text])[0])
    assert service.calibration_stats() is not None
    assert service.calibration_stats().total == len(set(article_texts(world().articles)))
    service.stop()
    database.close()


def held(method: Callable[..., Any], proceed: threading.Event) -> Callable[..., Any]:
    """`method`, which waits until it may proceed."""

    def waiting(*of: Any, **more: Any) -> Any:
        assert proceed.wait(WITHIN)
        return method(*of, **more)

    return waiting


def test_new_articles_are_stored_raw_and_calibrated_with_what_was_seen(
    opened: tuple[FeedService, Database],
) -> None:
    service, database = opened
    publish(service, {"id": "new", "title": "Fresh off the press", "category": "sport"})
    until(lambda: knows(service, "new"))
    text = ArticleText("sport: Fresh off the press", "sport")
    with database.read() as connection:
        raw = article_vectors.load(connection, HashEncoder.name, [text_hash(text)])[text_hash(text)]
        calibrated = article_vectors.load(connection, CALIBRATED, [text_hash(text)])[text_hash(text)]
        seen = attention_stats.load(connection, HashEncoder.name, eager().digest, [text_hash(text)])
    np.testing.assert_array_equal(raw, hashed([text])[0])
    np.testing.assert_array_equal(vector_of(service, "new"), calibrated)
    assert not np.allclose(raw, calibrated)
    assert seen["gated"].to_list() == [True]
    until(lambda: monitored(database))
    assert monitored(database)[0].gated_share == 1.0


def test_webhooks_are_notified_of_new_articles_with_a_flagged_headline_and_of_no_old_ones(
    opened: tuple[FeedService, Database],
) -> None:
    service, database = opened
    with database.write() as connection:
        webhooks.add(
            connection,
            Webhook(
                id="w",
                url="https://ops.example/w",
                events=(WebhookEvent.HEADLINE_FLAGGED,),
                secret="s",
                created_at=1,
                created_by="cli",
            ),
        )
    old, new = (time.time_ns() // 1_000 - age for age in (2 * DAY, HOUR))
    publish(service, {"id": "old", "title": "Yesterday once more", "published_at": old})
    publish(service, {"id": "new", "title": "Fresh off the press", "source": "wire", "published_at": new})
    until(lambda: knows(service, "old") and knows(service, "new"))
    with database.read() as connection:
        (message,) = webhook_outbox.newest(connection, 10)
    body = json.loads(message.body)
    assert body["type"] == "headline.flagged"
    assert body["data"] == {
        "article": "new",
        "title": "Fresh off the press",
        "source": "wire",
        "flagged_share": 1.0,
        "score": body["data"]["score"],
    }


def monitored(database: Database) -> list[attention_stats.MonitorRow]:
    with database.read() as connection:
        return attention_stats.newest(connection, 10)


def test_a_replay_with_the_calibrated_bundle_gives_the_servers_answers(
    opened: tuple[FeedService, Database], calibrated: Place
) -> None:
    service, database = opened
    request = FeedRequest(request_id="request", as_of=0, reader="r00001", explore=0.3)
    answer = service.feed(request).ranking
    engine = engine_at(database, calibrated.settings, HashEncoder(), answer.as_of)
    assert engine.recommend(dataclasses.replace(request, as_of=answer.as_of)).ranking == answer


def test_adopting_a_bundle_changes_the_vectors_only_if_their_name_changes(
    opened: tuple[FeedService, Database], calibrated: Place
) -> None:
    service, _ = opened
    id_, index = world().articles["id"][0], service.engine.index
    before = vector_of(service, id_)
    with_calibration(calibrated, eager(), "same")
    until(lambda: model_of(service) == "same")
    assert service.engine.index is index
    with_calibration(calibrated, calibration_of(small_calibrator()), "shipped")
    until(lambda: model_of(service) == "shipped")
    raw = vector_of(service, id_)
    np.testing.assert_array_equal(raw, hashed(article_texts(world().articles))[0])
    with_calibration(calibrated, eager(), "back")
    until(lambda: model_of(service) == "back")
    np.testing.assert_array_equal(vector_of(service, id_), before)
    assert not np.allclose(before, raw)
    assert len(service.engine.index or ()) == world().articles.height


@pytest.mark.parametrize("trouble", ["exception", "nan", "flood"])
def test_calibration_that_misbehaves_costs_nothing_but_itself(
    trouble: str,
    opened: tuple[FeedService, Database],
    calibrated: Place,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Raw vectors serve from then on, for all articles, and the log has a warning."""
    service, database = opened
    until(lambda: monitored(database))
    make_trouble(trouble, monkeypatch, service)
    publish(service, *({"id": f"n{i}", "title": f"New {i}", "category": "sport"} for i in range(2 * LEAST)))
    until(lambda: knows(service, "n0"))
    for id_, text in [
        ("n0", ArticleText("sport: New 0", "sport")),
        (world().articles["id"][0], article_texts(world().articles)[0]),
    ]:
        np.testing.assert_array_equal(vector_of(service, id_), hashed([text])[0])
    assert feed(service).items
    assert len(service.engine.index or ()) == world().articles.height + 2 * LEAST
    assert not stored_vectors(database, CALIBRATED, articles_of("n0", database))[0].any()
    assert service.calibration_stats() is not None
    assert service.calibration_stats().breaker is not None
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    until(lambda: monitored(database)[0].breaker_open)
    assert "switched off" in str(monitored(database)[0].alert)
    monkeypatch.undo()
    with_calibration(calibrated, eager(), "mended")
    until(lambda: service.calibration_stats() is not None and service.calibration_stats().breaker is None)
    until(lambda: stored_vectors(database, CALIBRATED, articles_of("n0", database))[0].all())
    until(lambda: not np.allclose(vector_of(service, "n0"), hashed([ArticleText("sport: New 0", "sport")])[0]))


def make_trouble(kind: str, monkeypatch: pytest.MonkeyPatch, service: FeedService) -> None:
    inspect = Calibrator.inspect

    def troubled(calibrator: Calibrator, seen: Observation) -> Inspection:
        if kind == "exception":
            raise ZeroDivisionError("by zero")
        found = inspect(calibrator, seen)
        return dataclasses.replace(found, score=found.score * np.nan)

    if kind == "flood":  # every word is flagged by this calibrator, and that is now too many
        monkeypatch.setattr(service.live.serving.monitor.breaker, "_max_rate", 0.15)
    else:
        monkeypatch.setattr(Calibrator, "inspect", troubled)


def articles_of(id_: str, database: Database) -> pl.DataFrame:
    with database.read() as connection:
        return articles.get(connection, [id_])


def test_an_open_breaker_is_closed_by_a_restart(
    opened: tuple[FeedService, Database], calibrated: Place, start: Callable[..., FeedService]
) -> None:
    service, database = opened
    service.live.serving.monitor.breaker.trip("by hand")
    publish(service, {"id": "new", "title": "Fresh", "category": "sport"})
    until(lambda: knows(service, "new"))
    np.testing.assert_array_equal(vector_of(service, "new"), hashed([ArticleText("sport: Fresh", "sport")])[0])
    service.stop()
    again = start(database, home=calibrated.home)
    until(again.ready.is_set)
    assert not np.allclose(vector_of(again, "new"), hashed([ArticleText("sport: Fresh", "sport")])[0])


def test_stopping_ends_its_thread(database: Database, start: Callable[..., FeedService]) -> None:
    before = threading.active_count()
    service = start(database)
    service.stop()
    assert threading.active_count() == before
