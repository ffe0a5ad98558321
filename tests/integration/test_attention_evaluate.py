import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from recsys.errors import DataError
from recsys.experiments import evaluate_attention as evaluate_attention_module
from recsys.experiments.attention_report import report
from recsys.experiments.evaluate_attention import evaluate_attention
from recsys.experiments.noisy_clicks import measure_noisy_clicks
from recsys.models.bundle import active_version, load
from recsys.simulate.world import simulate
from recsys.training.calibration import fit_detectors
from recsys.training.calibration.ablation_arms import ARMS
from recsys.training.calibration.damaged_text import INJECTING
from recsys.training.calibration.recent_slates import newest_slates
from recsys.training.training_run import silent
from tests.trained import HashEncoder, Place, place, populated


def test_the_command_reports_detection_and_robustness(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_ENCODER", str(tiny_encoder))
    for name, few in (("TOKEN_EPOCHS", 1), ("DRAWS", 5), ("MOST_ARTICLES", 120)):
        monkeypatch.setattr(fit_detectors, name, few)  # the report is tested, not the figures
    monkeypatch.setattr(evaluate_attention_module, "FOLDS", 2)
    where, file, page = populated(tmp_path), tmp_path / "figures.json", tmp_path / "report.html"
    options = ["--seeds", "1", "--slates", "8", "--json", str(file), "--html", str(page)]
    options += ["--database-url", where.settings.database_url, "--home", str(where.home)]
    result = CliRunner().invoke(app, ["attention", "evaluate", *options])
    assert result.exit_code == 0, result.output
    figures = json.loads(file.read_text())
    undamaged, damaged = figures["robustness"]["undamaged"], figures["robustness"]["damaged"]
    assert set(undamaged) == set(ARMS)
    assert len(damaged) == len(INJECTING) + 3  # each kind, and all of them at three shares
    for damage in damaged.values():
        assert damage["lost"] == pytest.approx(undamaged["off"] - damage["auc"]["off"])
    assert "clickbait" in result.output
    assert page.read_text() == report(figures)


def test_too_few_articles_train_no_detector(tmp_path: Path) -> None:
    where = populated(tmp_path, simulate(readers=2, articles=20, days=1))
    with pytest.raises(DataError, match="too few to train a detector"):
        evaluate_attention(where.open(), where.settings, 1, 10, silent)


def test_a_log_without_impressions_says_what_to_do(tmp_path: Path) -> None:
    from recsys.store import articles

    where = place(tmp_path)
    database = where.open()
    with database.write() as connection:
        articles.upsert(connection, simulate(readers=2, articles=120, days=1).articles)
    with pytest.raises(DataError, match="attune ingest"):
        evaluate_attention(database, where.settings, 1, 10, silent)


def test_noisy_clicks_are_measured_with_the_network_of_the_active_bundle(trained: Place) -> None:
    database = trained.open()
    newest = newest_slates(database, HashEncoder(), 60, silent)
    found = measure_noisy_clicks(newest, trained.settings, HashEncoder(), 1, silent)
    database.close()
    assert set(found["models"]) == {"content", "network"}
    assert 0 < found["slates"] <= 60
    manifest = load(trained.home, str(active_version(trained.home))).manifest
    if not any(part["on"] for part in manifest["attention"]["history"]["parts"].values()):
        assert found["models"]["network"]["30%"]["gain"]["calibrated"][0] == 0


def test_noisy_clicks_before_the_first_bundle_are_measured_by_content_alone(tmp_path: Path) -> None:
    where = populated(tmp_path)
    newest = newest_slates(where.open(), HashEncoder(), 30, silent)
    found = measure_noisy_clicks(newest, where.settings, HashEncoder(), 1, silent)
    assert set(found["models"]) == {"content"}


def test_noisy_clicks_in_a_log_without_impressions_say_what_to_do(tmp_path: Path) -> None:
    where = place(tmp_path)
    with pytest.raises(DataError, match="attune ingest"):
        newest_slates(where.open(), HashEncoder(), 30, silent)
