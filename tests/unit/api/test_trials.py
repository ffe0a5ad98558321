"""Models on trial over HTTP: an A/B test by readers, and slates that nobody sees."""

from collections.abc import Callable

import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.application.scopes import Scope
from recsys.serving.experiment import Experiment
from recsys.store import audit_log, experiments
from recsys.store.database import opened
from recsys.store.tables import impressions
from tests.trained import Place
from tests.unit.api.conftest import MakeClient, bearer
from tests.unit.api.test_models import copy, home, ranked, score_of, start, until  # noqa: F401 - fixtures

READERS = [f"r{number:05d}" for number in range(30)]


def test_readers_are_parted_and_every_slate_is_logged_with_its_model(
    start: Callable[[], TestClient],  # noqa: F811
    home: Place,  # noqa: F811
) -> None:
    one, other = start(), start()
    trial = {"version": "v2", "share": 0.4, "shadow": 0.0, "interleave": 0.0}
    assert one.put("/v1/models/trial", json=trial).json() == trial
    assert one.get("/v1/models").json()["trial"] == trial
    until(lambda: other.get("/v1/models").json()["trial"] == trial)
    answers = [client.get(f"/v1/feed/{who}").json() for who in READERS for client in (one, other)]
    models = {answer["request_id"]: answer["model"] for answer in answers}
    assert set(models.values()) == {"v1", "v2"}
    for answer in answers:
        assert (answer["model"] == "v2") == Experiment("v2", 0.4).answers(answer["reader"])
    with opened(home.settings.database_url) as database, database.read() as connection:
        rows = connection.execute(sa.select(impressions.c.id, impressions.c.model)).fetchall()
    assert {row.id: row.model for row in rows if row.id in models} == models
    assert one.delete("/v1/models/trial").json() == {"version": "v2"}
    assert {one.get(f"/v1/feed/{who}").json()["model"] for who in READERS} == {"v1"}


def test_a_rank_request_is_answered_by_the_readers_arm(start: Callable[[], TestClient]) -> None:  # noqa: F811
    client = start()
    client.put("/v1/models/trial", json={"version": "v2", "share": 1.0}).raise_for_status()
    assert ranked(client).json()["model"] == "v2"
    nobody = {"candidates": ["a000001"], "history": ["a000002"]}
    assert client.post("/v1/rank", json=nobody).json()["model"] == "v1"


def test_a_shadow_is_stored_beside_what_was_shown_and_shown_to_nobody(
    start: Callable[[], TestClient],  # noqa: F811
    home: Place,  # noqa: F811
) -> None:
    client = start()
    client.put("/v1/models/trial", json={"version": "v2", "shadow": 1.0}).raise_for_status()
    answers = [client.get(f"/v1/feed/{who}", params={"limit": 4}).json() for who in READERS[:5]]
    assert {answer["model"] for answer in answers} == {"v1"}
    following = client.get(f"/v1/feed/{READERS[0]}", params={"cursor": answers[0]["cursor"]}).json()
    assert following["items"], "later pages are not ranked again"
    with opened(home.settings.database_url) as database, database.read() as connection:
        found = experiments.shadow_outcomes(connection, since=0)
    assert found.select("model", "reader").rows() == [("v2", who) for who in READERS[:5]]
    assert [len(ids) for ids in found["unseen"]] == [4] * 5
    assert found["shown"].to_list() == [[item["id"] for item in answer["items"]] for answer in answers]
    reported = client.get("/metrics").text
    assert "attune_shadow_slates_total 5.0" in reported
    assert 'attune_trial{how="shadow",version="v2"} 1.0' in reported


def test_interleaved_feeds_are_stored_with_the_slates_of_both_models(
    start: Callable[[], TestClient],  # noqa: F811
    home: Place,  # noqa: F811
) -> None:
    client = start()
    client.put("/v1/models/trial", json={"version": "v2", "interleave": 1.0}).raise_for_status()
    answers = [client.get(f"/v1/feed/{who}", params={"limit": 4}).json() for who in READERS[:5]]
    assert {answer["model"] for answer in answers} == {"v1+v2"}
    following = client.get(f"/v1/feed/{READERS[0]}", params={"cursor": answers[0]["cursor"]}).json()
    first, second = ({item["id"] for item in page["items"]} for page in (answers[0], following))
    assert second
    assert not first & second
    assert client.get(f"/v1/feed/{READERS[0]}", params={"minutes": 10}).json()["model"] == "v1", "keeps its budget"
    click = {"reader": READERS[0], "article": answers[0]["items"][0]["id"], "kind": "click"}
    click["request_id"] = answers[0]["request_id"]
    client.post("/v1/events", json={"events": [click]}).raise_for_status()
    with opened(home.settings.database_url) as database, database.read() as connection:
        found = experiments.interleaved_outcomes(connection, since=0)
        stored = set(connection.execute(sa.select(impressions.c.propensities)).scalars())
        assert experiments.shadow_outcomes(connection, since=0).is_empty()
    assert found.select("reference", "challenger").unique().rows() == [("v1", "v2")]
    assert found["reader"].to_list() == READERS[:5]
    assert all(len(ids) == 4 for ids in (*found["first"], *found["second"]))
    assert found["opened"].to_list() == [[click["article"]], [], [], [], []]
    assert None in stored, "interleaved slates have no propensities"


def test_a_trial_outlives_a_restart_and_ends_when_its_bundle_is_activated(
    start: Callable[[], TestClient],  # noqa: F811
) -> None:
    start().put("/v1/models/trial", json={"version": "v2", "share": 1.0}).raise_for_status()
    client = start()
    until(lambda: ranked(client).json()["model"] == "v2")
    assert client.get("/v1/models").json()["serving"] == "v1"
    client.post("/v1/models/v2/activate").raise_for_status()
    until(lambda: client.get("/v1/models").json()["trial"] is None)


def test_bad_trials_are_refused_and_change_nothing(
    start: Callable[[], TestClient],  # noqa: F811
    home: Place,  # noqa: F811
) -> None:
    client = start()
    copy(home.home, "v1", "bad")
    (home.home / "bundles" / "bad" / "listwise_correction.txt").write_text("")
    for body, status in (
        ({"version": "none", "share": 0.5}, 404),
        ({"version": "v1", "share": 0.5}, 409),
        ({"version": "bad", "share": 0.5}, 409),
        ({"version": "v2"}, 422),
        ({"version": "v2", "share": 2}, 422),
        ({"version": "v2", "share": 0.5, "more": 1}, 422),
    ):
        answer = client.put("/v1/models/trial", json=body)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/models").json()["trial"] is None
    assert client.delete("/v1/models/trial").status_code == 409


def test_trials_are_on_record_and_for_administrators(
    start: Callable[[], TestClient],  # noqa: F811
    home: Place,  # noqa: F811
    serve: MakeClient,
    new_key: Callable[..., str],
) -> None:
    client = start()
    client.put("/v1/models/trial", json={"version": "v2", "share": 0.25, "shadow": 0.5}).raise_for_status()
    client.delete("/v1/models/trial").raise_for_status()
    with opened(home.settings.database_url) as database, database.read() as connection:
        acts = [(act.act, act.subject) for act in audit_log.newest(connection, 2)]
    assert acts == [("trial_ended", "v2"), ("trial_started", "v2 share=0.25 shadow=0.5 interleave=0")]
    token = new_key(Scope.WRITE)
    closed = serve()
    for method in ("PUT", "DELETE"):
        assert closed.request(method, "/v1/models/trial", headers=bearer(token), json={}).status_code == 403


def test_a_page_after_the_swap_is_ranked_by_the_new_model_alone(
    start: Callable[[], TestClient],  # noqa: F811
) -> None:
    client = start()
    first = client.get(f"/v1/feed/{READERS[0]}", params={"limit": 4}).json()
    client.post("/v1/models/v2/activate").raise_for_status()
    second = client.get(f"/v1/feed/{READERS[0]}", params={"cursor": first["cursor"]}).json()
    assert (first["model"], second["model"]) == ("v1", "v2")
    assert not {item["id"] for item in first["items"]} & {item["id"] for item in second["items"]}
    assert len(second["items"]) == 4
    assert {item["score"] for item in second["items"]} == {score_of("v2")}
