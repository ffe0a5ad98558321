"""Calibration of a user's own text classifier, and of a built-in task, by their commands."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from recsys.calibration.model_calibrator_files import ARRAYS, NUMBERS, load_model_calibrator
from recsys.experiments.attention_tasks import digits
from recsys.simulate.world import simulate
from recsys.training.calibration import model_gate


@pytest.fixture(autouse=True)
def few_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_gate, "DRAWS", 1)
    monkeypatch.setattr(model_gate, "VALIDATION_DRAWS", 1)
    monkeypatch.setattr(digits, "_FIT", digits.FitConfig(epochs=1))


def titles(folder: Path, count: int) -> Path:
    file = folder / "titles.csv"
    articles = simulate(readers=1, articles=count, days=3, seed=2).articles
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["text", "label"])
        writer.writerows(articles.select("title", "category").rows())
    return file


def test_a_text_classifier_is_calibrated_from_a_file(tmp_path: Path, tiny_encoder: Path) -> None:
    out = tmp_path / "calibration"
    given = ["--model", str(tiny_encoder), "--task", "text-classification", "--out", str(out)]
    result = CliRunner().invoke(
        app, ["attention", "calibrate", *given, "--data", str(titles(tmp_path, 600))], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    assert f"calibration: {out}" in result.output
    assert {path.name for path in out.iterdir()} == {ARRAYS, NUMBERS}
    numbers = json.loads((out / NUMBERS).read_text())
    assert numbers["measured"]["verdict"] in result.output
    assert load_model_calibrator(out).gamma == numbers["gamma"]


def test_a_built_in_task_is_measured_and_reported(tmp_path: Path) -> None:
    files = ["--json", str(tmp_path / "tasks.json"), "--html", str(tmp_path / "tasks.html")]
    result = CliRunner().invoke(
        app, ["attention", "tasks", "--task", "digits", "--seeds", "1", *files], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "tasks.json").read_text())["digits"]
    assert found["verdict"] in result.output
    assert found["verdict"] in (tmp_path / "tasks.html").read_text()
    assert set(found["auroc"]) == {*digits.Digits.trained_kinds, *digits.Digits.held_out_kinds}
