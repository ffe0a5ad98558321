"""The run log: what is recorded of an evaluation, and its copy in MLflow."""

from pathlib import Path

import pytest

from recsys.domain import iso
from recsys.errors import ConfigError
from recsys.store import runs
from recsys.store.database import Database
from recsys.store.runs import Run, RunKind
from recsys.tracking import mlflow_mirror
from recsys.tracking.mlflow_mirror import require_mlflow
from recsys.tracking.run_log import changed, record_evaluation
from tests.trained import Place, last_day, quick_settings

RESULT = {
    "bundle": "20240105",
    "seconds": 2.0,
    "data": {"from": "2024-01-05", "to": "2024-01-06", "impressions": 9, "readers": 3, "slice": "later"},
    "systems": {"attune": {"auc": 0.75, "ndcg@10": 0.5, "ece": None, "ci": {"auc": [0.7, 0.8]}, "beyond": {}}},
}


def recorded(database: Database) -> Run:
    settings = quick_settings().model_copy(update={"seed": 11})
    return record_evaluation(database, settings, RESULT, {"in_sample": False})


def test_an_evaluation_is_stored_with_its_numbers_and_what_was_changed(database: Database) -> None:
    run = recorded(database)
    with database.read() as connection:
        assert runs.newest(connection) == [run] == runs.find(connection, [run.id[:6]])
        assert runs.newest(connection, RunKind.TRAINING) == []
    assert run.figures == {"attune": {"auc": 0.75, "ndcg@10": 0.5, "auc_low": 0.7, "auc_high": 0.8}}
    assert run.parameters["seed"] == 11
    assert run.parameters["in_sample"] is False
    assert "encoder" not in run.parameters, "it is the default"
    assert run.data == RESULT["data"]


def test_a_training_is_stored_with_its_end_and_times_that_people_read(trained: Place) -> None:
    database = trained.open()
    with database.read() as connection:
        (run,) = runs.newest(connection, RunKind.TRAINING)
    database.close()
    assert run.parameters["until"] == run.data["to"] == iso(last_day())
    assert run.data["from"] < run.data["to"]
    assert run.figures["attune"]["auc"] > 0


def test_neither_secrets_nor_places_are_recorded() -> None:
    settings = quick_settings().model_copy(
        update={"database_url": "postgresql://u:secret@h/d", "home": Path("/secret"), "seed": 3}
    )
    found = changed(type(settings)(**{**settings.model_dump(), "token_secret": "secret" * 8}))
    assert found["seed"] == 3
    assert "secret" not in str(found)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of MLflow's own models
def test_mlflow_gets_a_copy_where_its_address_is_set(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    run = recorded(sqlite_database)
    client = MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name("attune")
    assert experiment is not None
    (copy,) = client.search_runs([experiment.experiment_id])
    assert copy.info.status == "FINISHED"
    assert copy.data.metrics["attune/ndcg_at_10"] == 0.5
    assert copy.data.params["data.impressions"] == "9"
    assert copy.data.tags["attune.id"] == run.id


def test_an_mlflow_that_cannot_be_reached_loses_no_run(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run = recorded(sqlite_database)
    with sqlite_database.read() as connection:
        assert runs.newest(connection) == [run]
    assert f"the run {run.id} is not in MLflow" in caplog.text


def test_an_address_without_the_package_is_refused_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    require_mlflow()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    require_mlflow()
    monkeypatch.setattr(mlflow_mirror.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'attune-feed\[mlflow\]'"):
        require_mlflow()
