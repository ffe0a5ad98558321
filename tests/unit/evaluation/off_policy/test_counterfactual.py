"""Counterfactual evaluation of a real bundle on feeds that it made itself, and on those of another policy."""

from dataclasses import replace
from pathlib import Path

import pytest

from recsys.domain import HOUR, MINUTE, Event, EventKind, FeedRequest, MatchField, Rule, RuleKind, Slate
from recsys.errors import DataError
from recsys.evaluation.off_policy.counterfactual import counterfactual, slates_with_propensities
from recsys.evaluation.off_policy.feed_replay import Target, replayed_slates
from recsys.evaluation.run_evaluation import TimeWindow
from recsys.frames import events_frame, slates_frame
from recsys.models.model_loader import load_bundle
from recsys.projection.log_replay import Replay
from recsys.serving.pagination import slate_of
from recsys.store import articles, event_log, rules
from recsys.store.database import Database
from tests.trained import HashEncoder, Place, last_day, world


def silent(*_: object) -> None:
    pass


def target(where: Place, explore: float) -> Target:
    encoder = HashEncoder()
    settings = where.settings.model_copy(update={"explore": explore, "fresh_share": 0.5})
    return Target(load_bundle(where.home, encoder.name), settings, encoder)


def served(database: Database, of: Target, start: int) -> tuple[list[Slate], list[Event]]:
    """Feeds of the bundle, one a minute, with a click on the first drawn article of each."""
    slates, clicks = [], []
    with database.read() as connection, Replay(connection) as log:
        catalogue, _ = articles.upserted_since(connection, 0)
        log.advance(start)
        engine = of.engine(database, catalogue, log)
        for number, reader in enumerate(sorted(world().readers.ids.tolist()) * 3):
            request = FeedRequest(
                request_id=f"own{number}",
                as_of=start + number * MINUTE,
                reader=reader,
                limit=6,
                explore=of.explore,
            )
            slate = slate_of(request, engine.recommend(request).ranking, known_at=request.as_of)
            slates.append(replace(slate, model=None))  # a slate without a model was seen
            engine.state.apply(engine.state.encode(events_frame([]), slates_frame(slates[-1:])))
            if len(slate.candidates) > 1:
                at = request.as_of + 1
                click = Event(
                    id=f"c{number}",
                    reader=reader,
                    kind=EventKind.CLICK,
                    at=at,
                    known_at=at,
                    article=slate.candidates[1],
                    request_id=slate.id,
                )
                clicks.append(click)
                engine.state.apply(engine.state.encode(events_frame([click]), slates_frame([])))
    return slates, clicks


def test_the_own_feed_of_a_bundle_has_weights_of_one(trained: Place, tmp_path: Path) -> None:
    here = trained.copy(tmp_path / "copy")
    here = Place(here.settings.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'copy' / 'attune.db'}"}))
    database, start = here.open(), int(world().slates["at"].max()) + HOUR  # type: ignore[arg-type]
    of = target(here, 0.4)
    slates, clicks = served(database, of, start)
    with database.write() as connection:
        event_log.append_frames(connection, events_frame(clicks), slates_frame(slates))
    result = counterfactual(database, of, TimeWindow(start, start + HOUR * 9), silent)
    weights = result["behaviour"]["cascade"]["weights"]
    assert result["rules"] == 0
    assert "without_rules" not in result
    assert weights["mean"] == pytest.approx(1)
    assert weights["effective_sample_size"] == pytest.approx(result["impressions"])
    assert result["left_out"]["certain_positions"] == len(slates)
    found = result["behaviour"]["cascade"]["rewards"]["clicks"]
    assert found["logged"]["mean"] == pytest.approx(len(clicks) / len(slates))
    assert found["estimates"]["snips"]["mean"] == pytest.approx(found["logged"]["mean"])
    database.close()


def test_with_rules_in_the_window_the_feed_is_also_estimated_without_them(trained: Place, tmp_path: Path) -> None:
    here = trained.copy(tmp_path / "copy")
    database, start = here.open(), int(world().slates["at"].max()) + HOUR  # type: ignore[arg-type]
    of, window = target(here, 0.4), TimeWindow(start, start + HOUR * 9)
    slates, clicks = served(database, of, start)
    boosted = slates[0].candidates[1]
    boost = Rule(
        id="boost",
        kind=RuleKind.BOOST,
        field=MatchField.ARTICLE,
        match=boosted,
        value=2.0,
        starts_at=start,
        created_at=start,
        created_by="cli",
    )
    with database.write() as connection:
        event_log.append_frames(connection, events_frame(clicks), slates_frame(slates))
        rules.add(connection, boost)
    result = counterfactual(database, of, window, silent)
    ruled, free = (result[part]["cascade"]["weights"] for part in ("behaviour", "without_rules"))
    assert result["rules"] == 1
    assert free["mean"] == pytest.approx(1), "the feeds of the log were made without rules"
    assert abs(ruled["mean"] - 1) > 0.001
    later = TimeWindow(start - 2 * HOUR, start)
    with database.read() as connection:
        assert rules.count_between(connection, later.start, later.end) == 0
        assert rules.count_between(connection, start, start + 1) == 1
    database.close()


def test_another_policy_is_refused_on_few_slates(trained: Place) -> None:
    database = trained.open()
    window = TimeWindow(last_day(), last_day() + 24 * HOUR)
    result = counterfactual(database, target(trained, 0.05), window, silent)
    part = result["behaviour"]["cascade"]
    assert part["rewards"] == {}
    assert "below the floor" in part["refused"]
    database.close()


def test_impressions_without_propensities_are_refused(database: Database, trained: Place) -> None:
    start = int(world().slates["at"].min())  # type: ignore[arg-type]
    window = TimeWindow(start, start + 6 * HOUR)
    with pytest.raises(DataError, match="choose another time"):
        counterfactual(database, target(trained, 0.1), window, silent)
    early = world().slates.filter(world().slates["at"] < window.end)
    with database.write() as connection:
        articles.upsert(connection, world().articles)
        bare = early[:3].clear(3).with_columns(early[:3].drop("propensities").get_columns())
        event_log.append_frames(connection, world().events.clear(), bare)
    with pytest.raises(DataError, match="none of the 3 impressions"):
        counterfactual(database, target(trained, 0.1), window, silent)
    with database.write() as connection:
        event_log.append_frames(connection, world().events.clear(), early[3:5])
    slates, without = slates_with_propensities(database, window)
    assert (slates.height, without) == (2, 3)
    for slate in replayed_slates(database, target(trained, 0.1), slates):
        assert len(slate.propensities) == len(slate.chances.chance) == len(slate.labels)
