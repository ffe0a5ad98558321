"""A fresh process gives the answers of a server again from the log: same order, exactly equal scores.

The fresh process is `tests/fresh_answers.py`: it reads requests with the `as_of` of their answers, replays the log
up to there, and prints its own answers.
"""

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from api.application.iso_time import to_iso
from recsys.calibration.calibrator import Calibration, Calibrator
from recsys.calibration.head_anomaly_detector import fit_structure
from recsys.calibration.normal_profile import Profile
from recsys.calibration.token_detector import fit_tokens, token_batch
from recsys.calibration.training_loop import FitConfig
from recsys.domain import DAY, HOUR, FeedRequest, Ranking, RankRequest
from recsys.encoder.article_text import article_texts, headlines, text_hash
from recsys.encoder.bert import TextEncoder
from recsys.encoder.lazy import LazyEncoder
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.evaluation.replay import replay
from recsys.evaluation.systems import FULL_SYSTEM, systems
from recsys.feed.engine import FeedEngine
from recsys.feed.point_in_time import engine_at
from recsys.models import bundle
from recsys.models.calibrator_io import find_calibrator
from recsys.models.model_loader import load_bundle
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import align_vectors, ensure_vectors, stored_vectors
from recsys.simulate.world import World, simulate
from recsys.store import articles, attention_stats, event_log
from recsys.training.calibration import calibrate_articles
from tests import fresh_answers
from tests.calibrated import eager, with_calibration
from tests.serving import environment, served
from tests.trained import HashEncoder, Place, last_day, place, populated, quick_settings, train_quickly, world

pytestmark = pytest.mark.xdist_group("served")

ROUNDS = 10
Requested = dict[str, Any]
Answered = tuple[Place, list[Requested]]


@cache
def recent_world() -> World:
    """Three days up to this midnight: what happened then still counts now."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return simulate(readers=40, articles=150, days=3, seed=10, start=today - timedelta(days=3))


def yesterday() -> int:
    return int(recent_world().slates["at"].median())  # type: ignore[arg-type]


class Session:
    """Readers, an editor and other callers at work on one server; `requested` keeps requests and answers."""

    def __init__(self, client: httpx.Client) -> None:
        self.requested: list[Requested] = []
        self._client = client
        self._draw = random.Random(7)
        self._readers = sorted(recent_world().readers.ids.tolist())
        self._articles = sorted(recent_world().articles["id"].to_list())

    def play(self) -> None:
        for round_ in range(ROUNDS):
            known, new = self._draw.choice(self._readers), f"new-{round_ % 5}"
            for reader in (known, new):
                if round_ % 3 != 2:
                    self._prefer(reader)
                self._react(reader, self.feed(reader))
            self.rank(reader=known)
            self.rank(history=self._history())
            if round_ % 4 == 1:
                self._publish(f"fresh-{round_}")
            if round_ % 4 == 2:
                self._edit()

    def _edit(self) -> None:
        """Remove the rules that stand, and add others."""
        for rule in self._client.get("/v1/rules").raise_for_status().json()["rules"]:
            self._client.delete(f"/v1/rules/{rule['id']}").raise_for_status()
        topic = self._draw.choice(sorted(recent_world().articles["category"].unique()))
        articles = self._draw.sample(self._articles, 3)
        for rule in (
            {"kind": "boost", "match": {"section": topic}, "value": 0.3},
            {"kind": "quota", "match": {"section": topic}, "value": 4},
            {"kind": "pin", "match": {"article": articles[0]}, "place": self._draw.randint(1, 5)},
            {"kind": "must_see", "match": {"article": articles[1]}, "value": 1},
            {"kind": "ban", "match": {"article": articles[2]}},
        ):
            self._client.post("/v1/rules", json=rule).raise_for_status()

    def feed(self, reader: str) -> Requested:
        requested: Requested = {"limit": self._draw.randint(3, 30), "explore": self._draw.choice([0.0, 0.2, 0.5])}
        if self._draw.random() < 0.3:
            requested["category"] = self._draw.choice(sorted(recent_world().articles["category"].unique()))
        if self._draw.random() < 0.3:
            requested["exclude"] = self._draw.sample(self._articles, 20)
        if self._draw.random() < 0.4:
            requested["diversity"] = self._draw.choice([0.2, 0.7])
        if self._draw.random() < 0.4:
            requested["page"] = self._draw.choice(self._articles)
        answer = self._client.get(f"/v1/feed/{reader}", params=requested).raise_for_status().json()
        self.requested.append({"feed": {**requested, "reader": reader}, "answer": answer})
        return dict(answer)

    def rank(self, **of: Any) -> None:
        candidates = [*self._draw.sample(self._articles, 20), "never heard of it"]
        requested = {"candidates": candidates, "explain": True, **of}
        answer = self._client.post("/v1/rank", json=requested).raise_for_status().json()
        self.requested.append({"rank": requested, "answer": answer})

    def _prefer(self, reader: str) -> None:
        """Replace the preferences of a reader by those of three topics."""
        topics = sorted(recent_world().articles["category"].unique())
        stated = zip(("follow", "focus", "mute"), self._draw.sample(topics, 3), strict=True)
        wanted = {kind: [topic] for kind, topic in stated}
        self._client.put(f"/v1/readers/{reader}/preferences", json=wanted).raise_for_status()

    def _history(self) -> list[Any]:
        plain = self._draw.sample(self._articles, 3)
        return [*plain, {"id": self._draw.choice(self._articles), "seconds": 42.5, "at": to_iso(yesterday())}]

    def _react(self, reader: str, feed: Requested) -> None:
        """Click some, read some of those, like or hide one; also something that no feed showed."""
        common = {"reader": reader, "request_id": feed["request_id"]}
        shown = [item["id"] for item in feed["items"]]
        some = self._draw.sample(shown, min(3, len(shown)))
        rows: list[Requested] = [{**common, "article": article, "kind": "click"} for article in some]
        rows += [{**common, "article": a, "kind": "read", "value": self._draw.uniform(1, 90)} for a in some[:2]]
        rows += [{**common, "article": a, "kind": self._draw.choice(["like", "hide"])} for a in some[-1:]]
        rows.append({"reader": reader, "article": self._draw.choice(self._articles), "kind": "click"})
        stored = self._client.post("/v1/events", json={"events": rows}).raise_for_status().json()
        assert stored["accepted"] == len(rows)

    def _publish(self, id_: str) -> None:
        """A new article, from then on also shown and ranked; the next request waits until it is searchable."""
        template = recent_world().articles.row(self._draw.randrange(100), named=True)
        article = {**{name: template[name] for name in ("title", "subcategory")}, "id": id_, "category": id_}
        self._client.post("/v1/articles", json={"articles": [article]}).raise_for_status()
        deadline = time.monotonic() + 60
        self._articles.append(id_)
        self._articles.sort()
        # known to feeds at once; the next request waits for its vector, as a replay has it
        while f"attune_index_articles {float(len(self._articles))}\n" not in self._client.get("/metrics").text:
            assert time.monotonic() < deadline, f"{id_} was not searchable within a minute"
            time.sleep(0.1)


def calibration(model: Path) -> Calibration:
    """A calibrator of the encoder in `model`, hardly trained, that adjusts every text."""
    encoder = TextEncoder(str(model), device="cpu")
    tokens = encoder.tokenize(headlines(recent_world().articles))
    _, seen = encoder.observe_tokens(tokens)
    profile, quick = Profile(*seen.heads.shape[1:3]), FitConfig(epochs=1)
    profile.add(seen)
    batch = token_batch(seen, np.random.default_rng(0).random(seen.tokens.shape[:2]) < 0.2)
    made = Calibrator(fit_structure(profile, [seen], quick), fit_tokens([batch], [batch], quick))
    return eager(made)


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Callable[[str], Answered]:
    """Returns a place where a server was at work, and what it answered, with the starting models or with trained
    ones and calibrated vectors; each is made once.
    """

    @cache
    def played(models: str) -> Answered:
        made = populated(tmp_path_factory.mktemp(models), like=quick_settings(tiny_encoder))
        if models == "calibrated":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(calibrate_articles, "LEAST_ARTICLES", 10**9)  # it would take minutes
                train_quickly(made, LazyEncoder(made.settings))
            with_calibration(made, calibration(tiny_encoder), models)
        with served(made) as client:
            session = Session(client)
            session.play()
        return made, session.requested

    return played


@pytest.fixture(params=["starting", "calibrated"])
def answered(request: pytest.FixtureRequest, play: Callable[[str], Answered]) -> Answered:
    return play(request.param)


def answer_in_a_fresh_process(answered: Answered) -> list[Requested]:
    made, requested = answered
    (made.home / "requests.json").write_text(json.dumps(requested))
    done = subprocess.run(
        [sys.executable, fresh_answers.__file__, "requests.json"],
        cwd=made.home,
        env=environment(made),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_a_fresh_process_answers_the_same(answered: Answered) -> None:
    _, requested = answered
    assert len(requested) >= 40
    answered_again = answer_in_a_fresh_process(answered)
    assert {item["answer"]["model"] for item in requested} == {answered_again[0]["model"]}
    for first, second in zip(requested, answered_again, strict=True):
        assert fresh_answers.as_answered(first["answer"]) == second["items"], first


def test_the_server_answered_with_new_articles_and_without_what_was_read(
    answered: Answered,
) -> None:
    feeds = [requested for requested in answered[1] if "feed" in requested]
    assert any(item["id"].startswith("fresh-") for feed in feeds for item in feed["answer"]["items"])
    assert all(feed["answer"]["items"] for feed in feeds if "category" not in feed["feed"])
    assert any("diversity" in feed["feed"] and "page" in feed["feed"] for feed in feeds)
    kinds = {rule["kind"] for feed in feeds for item in feed["answer"]["items"] for rule in item["rules"]}
    assert len(kinds) >= 3
    assert any(item["propensity"] < 1 for feed in feeds for item in feed["answer"]["items"])
    assert any(
        reason["weight"] for feed in feeds for item in feed["answer"]["items"] for reason in item["reasons"]
    )


def test_a_calibrated_server_served_adjusted_vectors(play: Callable[[str], Answered]) -> None:
    made, requested = play("calibrated")
    assert {item["answer"]["model"] for item in requested} == {"calibrated"}
    calibrator = find_calibrator(bundle.load(made.home, "calibrated"))
    assert calibrator is not None
    loaded = calibrator.read()
    database, name = made.open(), LazyEncoder(made.settings).name
    with database.read() as connection:
        everything, _ = articles.upserted_since(connection, 0)
        hashes = [text_hash(text) for text in article_texts(everything)]
        seen = attention_stats.load(connection, name, loaded.digest, hashes)
    assert seen.height == len(set(hashes))
    assert seen["gated"].all()
    (raw_there, raw), (adjusted_there, adjusted) = (
        stored_vectors(database, each, everything) for each in (name, loaded.name_of(name))
    )
    assert raw_there.all()
    assert adjusted_there.all()
    assert (np.abs(raw - adjusted).max(axis=1) > 1e-3).mean() > 0.9
    database.close()


def scores_at(where: Place, at: int) -> list[Ranking]:
    """Feeds and rankings for some readers as of `at`."""
    database = where.open()
    engine = engine_at(database, where.settings, HashEncoder(), at)
    ids = tuple(world().articles["id"].to_list())
    rankings = []
    for reader in ["nobody", *world().readers.ids[:12].tolist()]:
        rankings.append(engine.rank(RankRequest(request_id="r", as_of=at, candidates=ids, reader=reader)))
        rankings.append(
            engine.recommend(
                FeedRequest(request_id=f"f{reader}", as_of=at, reader=reader, limit=30, explore=0.3)
            ).ranking
        )
    database.close()
    return rankings


def test_another_future_changes_no_score(trained: Place, tmp_path: Path) -> None:
    """The rows known from `now` on get other readers, articles and times, and some are left out."""
    now = last_day() + 2 * HOUR
    other = place(tmp_path)
    shutil.copytree(trained.home / "bundles", tmp_path / "bundles")
    later = pl.col("known_at") >= now
    events, slates = world().events, world().slates
    future = events.filter(later).with_columns(
        pl.col("reader").shuffle(seed=1), pl.col("article").shuffle(seed=2), pl.col("known_at").shuffle(seed=3)
    )
    shown = slates.filter(later).with_columns(pl.col("candidates").shuffle(seed=4), pl.col("known_at").reverse())
    database = other.open()
    with database.write() as connection:
        articles.upsert(connection, world().articles)
        event_log.append_frames(
            connection, pl.concat([future, events.filter(~later)]), shown.head(shown.height // 2)
        )
        event_log.append_frames(connection, None, slates.filter(~later))
    database.close()
    assert future.height > 100
    assert scores_at(other, now) == scores_at(trained, now)


def test_replaying_many_requests_scores_as_each_alone(trained: Place) -> None:
    database, encoder = trained.open(), HashEncoder()
    system = load_bundle(trained.home, encoder.name)
    with database.read() as connection, Replay(connection) as past:
        vectors = align_vectors(past.state, past.articles, ensure_vectors(database, encoder, past.articles))
        engine = FeedEngine(state=past.state, vectors=vectors, models=system.models)
        labelled_requests = load_labelled_requests(
            connection, last_day(), last_day() + DAY, past.articles, last_day() + 2 * DAY
        )
        answers = replay(engine, past, labelled_requests, systems({FULL_SYSTEM: system.models.listwise}))
    for number in range(0, len(answers), len(answers) // 20):
        at, reader, candidates, device = labelled_requests.select("at", "reader", "candidates", "device").row(
            number
        )
        alone = engine_at(database, trained.settings, encoder, at)
        request = RankRequest(request_id="", as_of=at, candidates=candidates, reader=reader, device=device)
        scores = {item.id: item.score for item in alone.rank(request).items}
        together = answers.scores[FULL_SYSTEM][answers.offsets[number] : answers.offsets[number + 1]]
        np.testing.assert_allclose(together, [scores[id_] for id_ in candidates], rtol=0, atol=1e-5)
    database.close()
