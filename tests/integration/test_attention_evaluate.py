import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from recsys.errors import DataError
from recsys.simulate.world import simulate
from recsys.training.attention.arms import ARMS
from recsys.training.attention.evaluate import evaluate_attention
from recsys.training.progress import silent
from tests.trained import place, populated


def test_the_command_reports_detection_and_robustness(tmp_path: Path) -> None:
    where, file = populated(tmp_path), tmp_path / "figures.json"
    options = ["--seeds", "1", "--slates", "3", "--json", str(file)]
    options += ["--database-url", where.settings.database_url, "--home", str(where.home)]
    result = CliRunner().invoke(app, ["attention", "evaluate", *options])
    assert result.exit_code == 0, result.output
    figures = json.loads(file.read_text())
    undamaged, damaged = figures["robustness"]["undamaged"], figures["robustness"]["damaged"]
    assert set(undamaged) == set(ARMS)
    assert len(damaged) == 9  # six kinds, and all of them at three shares
    for damage in damaged.values():
        assert damage["lost"] == pytest.approx(undamaged["off"] - damage["auc"]["off"])
    assert "clickbait" in result.output


def test_too_few_articles_train_no_detector(tmp_path: Path) -> None:
    where = populated(tmp_path, simulate(readers=2, articles=20, days=1))
    with pytest.raises(DataError, match="train no detector"):
        evaluate_attention(where.open(), where.settings, 1, 10, silent)


def test_a_log_without_impressions_says_what_to_do(tmp_path: Path) -> None:
    from recsys.store import articles

    where = place(tmp_path)
    database = where.open()
    with database.write() as connection:
        articles.upsert(connection, simulate(readers=2, articles=120, days=1).articles)
    with pytest.raises(DataError, match="attune ingest"):
        evaluate_attention(database, where.settings, 1, 10, silent)
