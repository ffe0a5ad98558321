"""Choosing a model over HTTP: hot, on record, and never a bad one."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

import api.app
from api.app import create_app
from api.application.scopes import Scope
from recsys.models import bundle, model_loader
from recsys.models.model_loader import TrainedSystem
from recsys.ranking.age_support import EVERY_AGE
from recsys.serving import model_activation
from recsys.store import audit_log, webhook_outbox, webhooks
from recsys.store.database import opened
from recsys.store.webhooks import Webhook
from tests.trained import HashEncoder, Place
from tests.unit.api.conftest import MakeClient, bearer

WITHIN = 30.0


class Constant:
    """Scores that tell which model gave them."""

    listwise = False

    def __init__(self, value: float) -> None:
        self.value = value

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(features), self.value)


def score_of(version: str) -> float:
    return float(sum(version.encode()))


@pytest.fixture
def home(trained: Place, tmp_path: Path) -> Place:
    """The trained place, with two more bundles that differ in name only."""
    copied = trained.copy(tmp_path / "home")
    first = str(bundle.active_version(copied.home))
    for version in ("v1", "v2"):
        copy(copied.home, first, version)
    bundle.activate(copied.home, "v1")
    return copied


def copy(home: Path, version: str, name: str) -> Path:
    folder = home / "bundles" / name
    shutil.copytree(home / "bundles" / version, folder)
    manifest = json.loads((folder / bundle.MANIFEST).read_text())
    (folder / bundle.MANIFEST).write_text(json.dumps({**manifest, "version": name}))
    return folder


@pytest.fixture
def start(home: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], TestClient]]:
    """Starts services on that place, whose scores tell which bundle gave them."""
    real = model_loader.load_system

    def reported(found: bundle.Bundle, encoder: str) -> TrainedSystem:
        constant = Constant(score_of(found.version))
        system = real(found, encoder)
        # no score fades with age
        models = replace(system.models, listwise=constant, pointwise=constant, feed=constant, ages=EVERY_AGE)
        return replace(system, models=models)

    monkeypatch.setattr(model_loader, "load_system", reported)  # looked up where bundles are adopted
    monkeypatch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
    with ExitStack() as stack:
        app = lambda: TestClient(create_app(home.settings), raise_server_exceptions=False)  # noqa: E731
        yield lambda: stack.enter_context(app())


def ranked(client: TestClient) -> Any:
    requested = {"candidates": ["a000001", "a000002"], "reader": "r00001"}
    return client.post("/v1/rank", json=requested)


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_models_are_listed_with_the_one_that_serves(start: Callable[[], TestClient], home: Place) -> None:
    reported = start().get("/v1/models").json()
    assert reported["serving"] == "v1"
    assert {each["version"] for each in reported["models"]} == set(bundle.versions(home.home))
    assert [each["version"] for each in reported["models"] if each["active"]] == ["v1"]
    assert all(each["problem"] is None and each["trained_until"].startswith("20") for each in reported["models"])
    assert all(0 < each["validation"]["attune"]["auc"] < 1 for each in reported["models"])


def test_a_model_serves_from_the_next_answer_on_and_in_another_process_soon(
    start: Callable[[], TestClient], home: Place
) -> None:
    one, other = start(), start()
    webhook = Webhook(id="a", url="https://a.example", events=(), secret="s", created_at=1, created_by="cli")
    with opened(home.settings.database_url) as database, database.write() as connection:
        webhooks.add(connection, webhook)
    assert one.post("/v1/models/v2/activate").json() == {"version": "v2"}
    assert ranked(one).json()["model"] == "v2"
    until(lambda: ranked(other).json()["model"] == "v2")
    assert one.post("/v1/models/rollback").json() == {"version": "v1"}
    assert ranked(one).json()["model"] == "v1"
    until(lambda: ranked(other).json()["model"] == "v1")
    with opened(home.settings.database_url) as database, database.read() as connection:
        acts = [(act.actor, act.act, act.subject) for act in audit_log.newest(connection, 2)]
        messages = [json.loads(message.body) for message in webhook_outbox.newest(connection, 9)]
    assert acts == [("open", "model_rolled_back", "v1"), ("open", "model_activated", "v2")]
    assert [message["data"] for message in messages] == [
        {"version": "v1", "actor": "open", "rolled_back": True},
        {"version": "v2", "actor": "open", "rolled_back": False},
    ]
    assert {message["type"] for message in messages} == {"model.activated"}


def test_no_request_fails_and_none_mixes_two_models_while_they_change(start: Callable[[], TestClient]) -> None:
    client, answers, stop = start(), [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(ranked(client))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(12):
        assert client.post(f"/v1/models/v{turn % 2 + 1}/activate").status_code == 200
    stop.set()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    seen = {(a.json()["model"], item["score"]) for a in answers for item in a.json()["items"]}
    assert seen == {(version, score_of(version)) for version in ("v1", "v2")}


@pytest.mark.parametrize("bad", ["damaged", "another encoder", "no manifest"])
def test_a_bad_model_is_refused_by_reason_and_the_old_one_stays(
    start: Callable[[], TestClient], home: Place, bad: str
) -> None:
    folder = copy(home.home, "v1", "bad")
    manifest = folder / bundle.MANIFEST
    if bad == "damaged":
        (folder / model_loader.LISTWISE_TREES).write_bytes(b"")
    elif bad == "another encoder":
        reported = json.loads(manifest.read_text())
        manifest.write_text(json.dumps({**reported, "schema": {**reported["schema"], "encoder": "x"}}))
    else:
        manifest.write_text("{")
    client = start()
    answer = client.post("/v1/models/bad/activate")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert any(word in answer.json()["detail"] for word in ("is damaged", "encoder 'x'", "no readable bundle"))
    assert ranked(client).json()["model"] == "v1"
    assert bundle.active_version(home.home) == "v1"
    until(lambda: client.get("/readyz").status_code == 200)
    (reported,) = [each for each in client.get("/v1/models").json()["models"] if each["version"] == "bad"]
    assert reported["problem"]


def test_a_bad_model_activated_by_hand_leaves_the_old_one_serving_and_is_reported(
    start: Callable[[], TestClient], home: Place
) -> None:
    client = start()
    until(lambda: client.get("/readyz").status_code == 200)
    (home.home / "bundles" / "ACTIVE").write_text("nothing")
    until(lambda: client.get("/readyz").json() == {"status": "impaired", "model": "v1"})
    assert "attune_impaired 1.0" in client.get("/metrics").text
    assert ranked(client).json()["model"] == "v1"
    client.post("/v1/models/v2/activate").raise_for_status()
    until(lambda: client.get("/readyz").json()["status"] == "ready")
    assert ranked(client).json()["model"] == "v2"


@pytest.mark.parametrize("version", ["none", "..", "%2e%2e", "a%2Fb", "%00", "x" * 5_000])
def test_a_model_that_is_not_there_is_404(start: Callable[[], TestClient], version: str) -> None:
    assert start().post(f"/v1/models/{version}/activate").status_code in (404, 405)


def test_without_an_earlier_model_there_is_no_going_back(start: Callable[[], TestClient], home: Place) -> None:
    (home.home / "bundles" / "PREVIOUS").unlink()
    answer = start().post("/v1/models/rollback")
    assert (answer.status_code, "no other bundle" in answer.json()["detail"]) == (409, True)


def test_models_are_for_administrators(serve: MakeClient, new_key: Callable[..., str]) -> None:
    tokens = {scope: new_key(scope) for scope in Scope}
    client = serve()
    for scope, token in tokens.items():
        for method, path in (("GET", ""), ("POST", "/x/activate"), ("POST", "/rollback")):
            status = client.request(method, f"/v1/models{path}", headers=bearer(token)).status_code
            assert (status == 403) == (scope is not Scope.ADMIN), (scope, path)


def test_activation_remembers_what_served_before(home: Place) -> None:
    for version in ("v2", "v2"):
        model_activation.activate(home.home, version, HashEncoder.name)
    assert bundle.previous_version(home.home) == "v1"
    assert model_activation.roll_back(home.home, HashEncoder.name) == "v1"
    assert bundle.previous_version(home.home) == "v2"
