"""Replay: every system on every slate, with what metrics need to know of it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from recsys.domain import DAY, iso
from recsys.encoder.article_text import ArticleText, article_texts
from recsys.encoder.field_concat import FIELDS
from recsys.encoder.protocols import Encoded
from recsys.errors import EncoderError
from recsys.evaluation.labelled_slates import load_labelled_requests, replay_requests
from recsys.evaluation.replay import ReplayScores, SlateRecorder, replay
from recsys.evaluation.run_evaluation import EvaluationOptions, choose_window, evaluate
from recsys.evaluation.systems import FULL_SYSTEM, systems
from recsys.feed.engine import FeedEngine
from recsys.models.model_loader import load_bundle
from recsys.models.model_set import Models
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable, ensure_vectors
from recsys.ranking.column_ranker import ColumnRanker
from recsys.ranking.features.position import POSITION
from recsys.ranking.query import FloatArray
from recsys.ranking.ranker import HeuristicRanker
from recsys.simulate.oracle import ORACLE, oracle_of
from tests.hashed import DIM
from tests.trained import HashEncoder, Place, last_day, world


def replayed(trained: Place, reported: list[int] | None = None) -> ReplayScores:
    database = trained.open()
    with database.read() as connection, Replay(connection) as log:
        labelled_requests = load_labelled_requests(
            connection, last_day(), last_day() + DAY, log.articles, last_day() + 2 * DAY
        )
        engine = FeedEngine(state=log.state, vectors=VectorTable())
        progress = None if reported is None else reported.append
        answers = replay(engine, log, labelled_requests, systems({FULL_SYSTEM: HeuristicRanker()}), progress)
    database.close()
    return answers


def test_answers_line_up_with_the_log(trained: Place) -> None:
    reported: list[int] = []
    answers = replayed(trained, reported)
    slates = world().slates.filter(
        (world().slates["at"] >= last_day()) & (world().slates["at"] < last_day() + DAY)
    )
    assert len(answers) == slates.height
    np.testing.assert_array_equal(answers.at, slates.sort("at", "id")["at"])
    np.testing.assert_array_equal(np.diff(answers.offsets), slates.sort("at", "id")["candidates"].list.len())
    assert answers.readers.max() + 1 == slates["reader"].n_unique()
    assert all(len(scores) == answers.offsets[-1] == len(answers.labels) for scores in answers.scores.values())
    assert (answers.available < np.repeat(answers.at, np.diff(answers.offsets))).all(), "shown after it was out"
    assert answers.labels.max() > 0
    assert reported == [*range(100, len(answers), 100), len(answers)]


def test_equal_scores_are_ordered_offline_as_live(trained: Place) -> None:
    class Flat(HeuristicRanker):
        def score(self, features: FloatArray) -> FloatArray:
            return np.zeros(len(features))

    database = trained.open()
    models = replace(Models.untrained(), listwise=Flat())
    with database.read() as connection:
        requests = load_labelled_requests(
            connection, last_day(), last_day() + DAY // 4, world().articles, last_day() + 2 * DAY
        )
        shown = []
        with Replay(connection) as log:
            engine = FeedEngine(state=log.state, vectors=VectorTable(), models=models)
            for one, _, _ in replay_requests(engine, log, requests):
                shown.append([item.id for item in engine.rank(one.request).items])
        with Replay(connection) as log:
            engine = FeedEngine(state=log.state, vectors=VectorTable(), models=models)
            answers = replay(engine, log, requests, systems({FULL_SYSTEM: Flat()}))
    database.close()
    scored = answers.slates(FULL_SYSTEM)
    flat = requests["candidates"].explode().to_list()
    for slate, ids in enumerate(shown):
        rows = scored.order[answers.offsets[slate] : answers.offsets[slate + 1]]
        assert [flat[row] for row in rows] == ids
    assert len(shown) > 5


def test_the_number_of_slates_scored_at_once_changes_nothing(
    trained: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = replayed(trained)
    monkeypatch.setattr("recsys.evaluation.replay._BATCH", 1)
    alone = replayed(trained)
    for system, scores in together.scores.items():
        np.testing.assert_array_equal(alone.scores[system], scores)


def test_slates_recorded_with_their_positions_score_later_as_a_replay_does(trained: Place) -> None:
    position = {"position": ColumnRanker("position", POSITION), FULL_SYSTEM: HeuristicRanker()}
    database = trained.open()
    with database.read() as connection:
        requests = load_labelled_requests(
            connection, last_day(), last_day() + DAY // 4, world().articles, last_day() + 2 * DAY
        )
        requests = requests.with_columns(ordered=pl.lit(value=True))
        with Replay(connection) as log:
            engine = FeedEngine(state=log.state, vectors=VectorTable())
            recorder = SlateRecorder(engine, systems({}))
            for prepared in replay_requests(engine, log, requests, with_positions=True):
                recorder.add(*prepared)
        with Replay(connection) as log:
            engine = FeedEngine(state=log.state, vectors=VectorTable())
            expected = replay(engine, log, requests, systems(position))
    database.close()
    found = recorder.slates(requests["reader"]).with_rankers(position)
    assert list(found.scores) == list(expected.scores)
    for system, scores in expected.scores.items():
        np.testing.assert_array_equal(found.scores[system], scores)
    np.testing.assert_array_equal(found.tie_order, expected.tie_order)


def test_the_reader_s_mix_is_of_what_was_read_by_then(trained: Place) -> None:
    answers = replayed(trained)
    np.testing.assert_array_equal(answers.mix.sum(axis=1), answers.history)
    assert (answers.history[answers.history > 0] <= 50).all()


def test_no_questions_are_no_answers(trained: Place) -> None:
    database = trained.open()
    with database.read() as connection, Replay(connection) as log:
        nothing = load_labelled_requests(connection, 0, 1, log.articles, 2)
        answers = replay(
            FeedEngine(state=log.state, vectors=VectorTable()),
            log,
            nothing,
            systems({FULL_SYSTEM: HeuristicRanker()}),
        )
    database.close()
    assert len(answers) == 0
    assert answers.offsets.tolist() == [0]


def test_evaluating_twice_gives_the_same_figures(trained: Place) -> None:
    database, encoder = trained.open(), HashEncoder()
    system = load_bundle(trained.home, encoder.name)
    window = choose_window(database, system, None, None, in_sample=False)
    assert window.start == last_day()
    assert window.end == last_day() + DAY + 1
    one, two = (evaluate(database, encoder, system, window, lambda *_: None) for _ in range(2))
    database.close()
    assert {**one, "seconds": 0} == {**two, "seconds": 0}
    assert one["data"]["from"] == iso(last_day())
    known = set(article_texts(world().articles))
    assert known.isdisjoint(encoder.encoded), "vectors were stored by training; only damaged headlines are encoded"


class MissingEncoder(HashEncoder):
    """Encoder whose model is not on this machine."""

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        raise EncoderError("the model hash@16 is not installed")


def test_stored_vectors_are_evaluated_without_the_model_of_the_encoder(trained: Place) -> None:
    database, encoder = trained.open(), HashEncoder()
    system = load_bundle(trained.home, encoder.name)
    window = choose_window(database, system, None, None, in_sample=False)
    found, whole = (
        evaluate(database, each, system, window, lambda *_: None) for each in (MissingEncoder(), encoder)
    )
    database.close()
    (unknown,) = [check for check in found["behaviour"] if check["name"] == "damaged headlines"]
    assert unknown["verdict"] == "unknown"
    assert unknown["sentence"] == "Damaged headlines cannot be encoded: the model hash@16 is not installed."
    assert found["systems"] == whole["systems"], "damaged headlines change no figure of the undamaged ones"


def test_a_reference_of_the_caller_is_one_more_row_on_the_same_slates(trained: Place) -> None:
    database, encoder = trained.open(), HashEncoder()
    system = load_bundle(trained.home, encoder.name)
    window = choose_window(database, system, None, None, in_sample=False)
    others = {ORACLE: oracle_of(world())}
    result = evaluate(database, encoder, system, window, lambda *_: None, EvaluationOptions(others))
    plain = evaluate(database, encoder, system, window, lambda *_: None)
    database.close()
    assert list(result["systems"]) == [*plain["systems"], ORACLE]
    assert result["systems"]["attune"] == plain["systems"]["attune"]
    assert result["systems"][ORACLE]["auc"] > max(row["auc"] for row in plain["systems"].values())
    assert result["comparisons"][ORACLE]["verdict"] == "loss"


def test_new_articles_are_embedded_on_the_way(trained: Place, tmp_path: object) -> None:
    database, encoder = trained.copy(tmp_path / "copy").open(), HashEncoder()  # type: ignore[operator]
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM article_vectors")
    system = load_bundle(trained.home, encoder.name)
    window = choose_window(database, system, None, None, in_sample=False)
    reported: list[str] = []
    evaluate(database, encoder, system, window, lambda stage, *_: reported.append(stage))
    assert len(encoder.encoded) == len(set(encoder.encoded)) > 100
    assert reported[0] == "articles encoded"
    assert ensure_vectors(database, encoder, world().articles).shape == (150, FIELDS * DIM)
    database.close()
