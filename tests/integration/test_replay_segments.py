"""Replay in segments gives what one pass gives, bit for bit; workers that end early leave nothing behind."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial, reduce
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import DAY, Event, EventKind
from recsys.errors import DataError, WorkerError
from recsys.evaluation.behaviour.damaged_headlines import DamagedArticles, DamagedOrders
from recsys.evaluation.behaviour.perturbed_reads import PerturbedOrders
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.evaluation.replay import ReplayedSlates, joined
from recsys.evaluation.run_evaluation import (
    ComparedSystems,
    EncodedArticles,
    TimeWindow,
    WindowWork,
    replay_window,
)
from recsys.evaluation.systems import FULL_SYSTEM, rankers_of, systems
from recsys.executors.process_pool import ProcessPool
from recsys.executors.worker_pool import LocalFile
from recsys.frames import events_frame
from recsys.models.model_loader import load_bundle
from recsys.models.model_set import Models
from recsys.projection.log_replay import Replay
from recsys.projection.replay_segments import (
    ReplayedSegment,
    ReplayWorkers,
    Segment,
    SegmentWork,
    WorkerSegments,
)
from recsys.projection.vector_table import align_vectors, ensure_vectors
from recsys.ranking.ranker import HeuristicRanker
from recsys.settings import Settings
from recsys.store import articles, event_log, event_log_reader
from recsys.store.database import Database, open_database
from recsys.training.past_replay import PastWork
from recsys.training.ranker_training import PastSlates
from recsys.training.reader_histories import HistoryPart, HistoryWork, collect
from recsys.training.training_run import silent
from recsys.user_model.content_matcher import ContentMatcher
from tests.archived import archive, are_equal, chunks, fill, random_rows
from tests.hanging_work import hang
from tests.migrated import sqlite_url
from tests.trained import HashEncoder, Place, last_day, world

SPAN = last_day(), last_day() + DAY // 2
EARLY = 15


@pytest.fixture
def filled(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The small world, without the properties of half of its articles, read in chunks of 150 rows."""
    monkeypatch.setattr(event_log_reader, "stream", partial(event_log_reader.stream, batch_rows=150))
    with database.write() as connection:
        articles.upsert(connection, world().articles[::2])
        event_log.append_frames(connection, world().events, world().slates)
    return database


@dataclass(frozen=True)
class Job:
    """A replay before some requests of the last day, and the work of both commands on them."""

    database: Database
    log: Replay
    requests: pl.DataFrame
    window: WindowWork
    past: PastWork

    def pass_over(self, work: SegmentWork[Any], *cuts: int) -> list[Any]:
        """Results of one pass by the replay itself."""
        bounds = zip((0, *cuts), (*cuts, self.requests.height), strict=True)
        return [work(self.log, self.requests[first:end], first, lambda _: None) for first, end in bounds]

    def segments(self, work: SegmentWork[Any], folder: Path, *cuts: int) -> list[Any]:
        """Results of the segments between `cuts`, each on a state that was written and loaded."""
        found = []
        for first, end in zip((0, *cuts), (*cuts, self.requests.height), strict=True):
            if first < end:  # a segment without requests has no worker
                found.append(ReplayedSegment(work)(self.segment(folder, first, end), lambda _: None))
        assert not list(folder.glob("state*"))
        return found

    def segment(self, folder: Path, first: int, end: int) -> Segment:
        self.log.articles.write_ipc(folder / "articles")
        self.log.advance(self.requests["at"][first])
        point = self.log.save(folder / "state")
        articles, state = LocalFile(folder / "articles"), LocalFile(folder / "state")
        return Segment(articles, state, point, self.requests[first:end], first)


@contextmanager
def job(database: Database) -> Iterator[Job]:
    with database.read() as connection, Replay(connection) as log:
        known, draw = log.articles, np.random.default_rng(1)
        raw = draw.normal(size=(8, 24))[draw.integers(8, size=known.height)]  # several tell of one event
        raw = (raw + draw.normal(scale=0.3, size=raw.shape)).astype(np.float32)
        raw /= np.linalg.norm(raw, axis=1, keepdims=True)
        vectors = align_vectors(log.state, known, raw)
        assert len(log.state.catalog.links)
        requests = load_labelled_requests(connection, *SPAN, known, SPAN[1])
        damaged = DamagedArticles(known["id"].to_list()[::9], raw[::9][::-1].copy())
        table, count = systems({FULL_SYSTEM: HeuristicRanker()}), requests.height
        window = WindowWork(vectors, Models.untrained(), table, damaged, count)
        yield Job(database, log, requests, window, PastWork(vectors, ContentMatcher(), EARLY, count - EARLY))


def window_of(job: Job, parts: list[Any]) -> list[Any]:
    return [
        joined([part.scores for part in parts], job.requests["reader"]),
        reduce(PerturbedOrders.then, (part.perturbed for part in parts)),
        reduce(DamagedOrders.then, (part.damaged for part in parts)),
    ]


def past_of(job: Job, parts: list[Any]) -> list[Any]:
    return [
        PastSlates.joined([part.slates for part in parts]),
        ReplayedSlates.joined([part.validation for part in parts], job.requests["reader"][EARLY:]),
        reduce(PerturbedOrders.then, (part.perturbed for part in parts)),
    ]


def flat(value: Any) -> list[Any]:
    """All arrays of a value as types, shapes and bytes, and everything else as it is."""
    if isinstance(value, np.ndarray):
        return [(value.dtype, value.shape, value.tobytes())]
    if is_dataclass(value):
        return [(each.name, flat(getattr(value, each.name))) for each in fields(value)]
    if isinstance(value, dict):
        return [(name, flat(each)) for name, each in value.items()]
    return [flat(each) for each in value] if isinstance(value, list | tuple) else [value]


def test_segments_score_and_label_as_one_pass_does(filled: Database, tmp_path: Path) -> None:
    with job(filled) as whole:
        expected = flat(window_of(whole, whole.pass_over(whole.window)))
        assert whole.requests.height > 30
    with job(filled) as other:
        assert flat(window_of(other, other.segments(other.window, tmp_path, 13))) == expected
    archive(filled, tmp_path / "archive", last_day() + DAY // 4, file_rows=400)
    with job(filled) as archived:
        assert flat(window_of(archived, archived.segments(archived.window, tmp_path, 0, 1, 20, 20))) == expected


def test_segments_give_a_training_the_features_and_histories_of_one_pass(filled: Database, tmp_path: Path) -> None:
    with job(filled) as whole:
        expected = flat(past_of(whole, whole.pass_over(whole.past, EARLY)))
    with job(filled) as other:
        assert flat(past_of(other, other.segments(other.past, tmp_path, EARLY, 24))) == expected
    with job(filled) as whole:
        data = collect(whole.log, whole.window.vectors, whole.requests, silent)
        known = whole.log.state.rows_of(whole.requests["candidates"].explode().to_list())
    with job(filled) as other:
        rows = np.split(data.candidates, data.offsets[1:-1])
        requests = other.requests.with_columns(rows=pl.Series(rows, dtype=pl.List(pl.Int64)))
        parts = replace(other, requests=requests).segments(HistoryWork(other.window.vectors), tmp_path, 20)
    for each in fields(HistoryPart):
        joined_parts = np.concatenate([getattr(part, each.name) for part in parts])
        assert flat(joined_parts) == flat(getattr(data, each.name))
    assert (data.reads >= 0).any() and (known != data.candidates).any(), "articles that are known only later"


@settings(max_examples=5)
@given(st.integers(0, 2**32), st.integers(1, 8), st.booleans())
def test_after_a_chunk_the_log_has_the_same_chunks(
    tmp_path_factory: pytest.TempPathFactory, seed: int, rows: int, archived: bool
) -> None:
    folder = tmp_path_factory.mktemp("log")
    database = open_database(sqlite_url(folder))
    events, slates = random_rows(seed, 30)
    fill(database, (events[:9], slates))  # at the end there are only slates
    if archived:
        archive(database, folder / "archive", 500)
    whole = chunks(database, batch_rows=rows)
    for number, chunk in enumerate(whole, start=1):
        assert are_equal(chunks(database, chunk.last, batch_rows=rows), whole[number:])
    database.close()


def test_a_log_that_changed_before_the_end_of_a_segment_is_refused(filled: Database, tmp_path: Path) -> None:
    def click(at: int) -> pl.DataFrame:
        return events_frame(
            [Event(id=f"late{at}", reader="r", kind=EventKind.CLICK, at=at, known_at=at, article="a")]
        )

    with job(filled) as here:
        segment = here.segment(tmp_path, 20, 30)
        for at, refused in ((SPAN[1], False), (SPAN[0], True)):
            with filled.write() as connection:
                event_log.append_frames(connection, click(at), None)
            if refused:
                with pytest.raises(DataError, match="changed while it was replayed"):
                    ReplayedSegment(here.window)(segment, lambda _: None)
            else:
                ReplayedSegment(here.window)(segment, lambda _: None)
                segment = here.segment(tmp_path, 20, 30)


def test_workers_score_with_a_trained_bundle_as_one_pass_does(trained: Place) -> None:
    database, encoder = trained.open(), HashEncoder()
    system = load_bundle(trained.home, encoder.name)
    with database.read() as connection:
        known, _ = articles.upserted_since(connection, 0)
    encoded = EncodedArticles(known, ensure_vectors(database, encoder, known))
    compared = ComparedSystems(system, systems(rankers_of(system)))
    done: list[int] = []
    one, two = (
        replay_window(database, encoded, compared, TimeWindow(*SPAN), progress, ReplayWorkers(count, 1))
        for count, progress in ((1, lambda *_: None), (2, lambda _, number, __: done.append(number)))
    )
    database.close()
    assert done[-1] == len(one.scores) and sorted(done) == done
    for part in ("scores", "clicks", "perturbed", "damaged"):
        assert flat(getattr(two, part)) == flat(getattr(one, part))


@pytest.mark.parametrize("how", ["killed", "interrupted"])
def test_a_replay_whose_worker_dies_or_that_is_interrupted_leaves_no_process_and_no_file(
    trained: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(active_children())

    def stop(done: int) -> None:
        if done and how == "interrupted":
            raise KeyboardInterrupt
        if done:
            for child in set(active_children()) - before:
                os.kill(child.pid or 0, signal.SIGKILL)

    database = trained.open()
    with job(database) as here:
        work = WorkerSegments(here.log, hang, stop, ProcessPool(ReplayedSegment(hang), 1), 10**6)
        with pytest.raises((WorkerError, KeyboardInterrupt)) as stopped, work as replayed:
            replayed.replay(here.requests)
            assert list(tmp_path.iterdir())
            replayed.results()
    database.close()
    assert ("again with fewer workers" in str(stopped.value)) == (how == "killed")
    assert set(active_children()) == before
    assert not list(tmp_path.iterdir())


def test_workers_are_as_many_as_the_settings_say_or_as_pay() -> None:
    default = ReplayWorkers.of(Settings(threads=4, _env_file=None))
    assert [default.count(requests) for requests in (0, 3_999, 4_000, 10**6)] == [1, 1, 2, 4]
    chosen = ReplayWorkers.of(Settings(threads=4, replay_workers=2, _env_file=None))
    assert [chosen.count(requests) for requests in (1, 2, 10**6)] == [1, 2, 2]
