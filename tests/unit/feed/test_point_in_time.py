"""The engine as it was: up to a time, with the active bundle."""

import numpy as np
import pytest

from recsys.cpu_threads import cpu_threads
from recsys.domain import DAY, HOUR, Event, EventKind, FeedRequest, RankRequest
from recsys.errors import BundleError
from recsys.feed.point_in_time import engine_at
from recsys.frames import events_frame
from recsys.models import bundle
from recsys.settings import Settings
from recsys.store import articles, event_log
from recsys.store.database import Database
from tests.trained import HashEncoder, Place, last_day, world


def test_it_knows_what_was_known_before_and_nothing_else(trained: Place) -> None:
    database = trained.open()
    for at in (last_day(), last_day() + HOUR):
        engine = engine_at(database, trained.settings, HashEncoder(), at)
        assert at - DAY < engine.state.known_at < at
    database.close()


def test_it_has_the_active_bundle(trained: Place) -> None:
    database = trained.open()
    engine = engine_at(database, trained.settings, HashEncoder(), last_day())
    assert engine.models.version == bundle.active_version(trained.home)
    database.close()


def test_without_a_bundle_it_is_the_starting_engine(trained: Place, tmp_path: object) -> None:
    database = trained.open()
    settings: Settings = trained.settings.model_copy(update={"home": tmp_path})
    assert engine_at(database, settings, HashEncoder(), last_day()).models.version == "starting"
    database.close()


def test_it_refuses_a_bundle_of_another_encoder(trained: Place) -> None:
    encoder, database = HashEncoder(), trained.open()
    encoder.name = "another"
    with pytest.raises(BundleError, match="ATTUNE_ENCODER"):
        engine_at(database, trained.settings, encoder, last_day())
    database.close()


def test_an_empty_database_answers(sqlite_database: Database, tmp_path: object) -> None:
    settings = Settings(home=tmp_path, _env_file=None)  # type: ignore[arg-type, call-arg]
    engine = engine_at(sqlite_database, settings, HashEncoder(), 10**15)
    assert engine.recommend(FeedRequest(request_id="request", as_of=10**15, reader="r")).ranking.items == ()
    assert [
        item.id for item in engine.rank(RankRequest(request_id="request", as_of=10**15, candidates=("a",))).items
    ] == ["a"]


def test_a_trained_engine_ranks_no_candidates_and_unknown_ones(trained: Place) -> None:
    database = trained.open()
    with cpu_threads(1):
        engine = engine_at(database, trained.settings, HashEncoder(), last_day())
        assert (
            engine.rank(RankRequest(request_id="request", as_of=last_day(), candidates=(), reader="r00001")).items
            == ()
        )
        known = world().articles["id"][0]
        items = engine.rank(
            RankRequest(request_id="request", as_of=last_day(), candidates=("?", known), reader="r00001"),
            explain=True,
        ).items
    assert {item.id for item in items} == {"?", known}
    assert np.isfinite([item.score for item in items]).all()
    database.close()


def test_articles_read_longer_ago_than_a_ring_holds_are_not_shown(
    sqlite_database: Database, tmp_path: object
) -> None:
    ids = world().articles["id"].to_list()[:100]
    start = int(world().articles["published_at"].max()) + HOUR  # type: ignore[arg-type]
    clicks = [
        Event(
            id=f"e{i}",
            reader="r",
            kind=EventKind.CLICK,
            at=start + i * HOUR,
            known_at=start + i * HOUR,
            article=id_,
        )
        for i, id_ in enumerate(ids)
    ]
    with sqlite_database.write() as connection:
        articles.upsert(connection, world().articles)
        event_log.append_frames(connection, events_frame(clicks), None)
    settings = Settings(home=tmp_path, index="exact", _env_file=None)  # type: ignore[arg-type, call-arg]
    for at, had in ((start + 200 * HOUR, 100), (start + 80 * HOUR, 80)):
        items = engine_at(sqlite_database, settings, HashEncoder(), at).recommend(
            FeedRequest(request_id="request", as_of=at, reader="r", limit=150)
        )
        assert {item.id for item in items.ranking.items} == set(world().articles["id"].to_list()) - set(ids[:had])
