"""A training run that calibrates articles: what the gate lets through is published, stored and served."""

import json
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from api.cli import app
from recsys.domain import DAY
from recsys.encoder.lazy import LazyEncoder
from recsys.models.bundle import active_version, load
from recsys.models.model_loader import load_system
from recsys.simulate.world import simulate
from recsys.store import articles
from recsys.store.tables import article_attention, article_vectors
from recsys.training.calibration import calibrate_articles, early_end, fit_detectors
from tests.trained import Place, populated, quick_settings, train_quickly

WORLD = simulate(readers=30, articles=300, days=4, seed=3)
UNTIL = int(WORLD.slates["at"].max()) - DAY  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Place:
    return populated(tmp_path_factory.mktemp("calibrated"), WORLD, like=quick_settings(tiny_encoder))


def trained(place: Place, folder: Path, passes: bool) -> tuple[Place, dict[str, object]]:
    """A copy trained with gates that let everything through, or that end early."""
    copied = place.copy(folder)
    with pytest.MonkeyPatch.context() as patch:
        for gate in ("article_gate", "field_gate"):
            patch.setattr(f"recsys.training.calibration.{gate}.passes", lambda *_: passes)
        patch.setattr("recsys.training.calibration.article_gate.is_certain", lambda _: True)
        patch.setattr(early_end, "LEAST_CHANCE", 0.0 if passes else 1.1)
        patch.setattr(fit_detectors, "TOKEN_EPOCHS", 1)
        patch.setattr(fit_detectors, "DRAWS", 5)
        patch.setattr(fit_detectors, "MOST_ARTICLES", 120)
        made = train_quickly(copied, LazyEncoder(copied.settings), UNTIL)
    return copied, made.manifest["attention"]


def vectors_of(place: Place) -> dict[str, dict[str, bytes]]:
    """By name and text."""
    database = place.open()
    with database.read() as connection:
        rows = connection.execute(sa.select(article_vectors)).fetchall()
    database.close()
    found: dict[str, dict[str, bytes]] = {}
    for name, text, vector in rows:
        found.setdefault(name, {})[text] = vector
    return found


def test_a_gate_that_passes_is_published_and_the_articles_are_read_with_it(place: Place, tmp_path: Path) -> None:
    copied, reported = trained(place, tmp_path, passes=True)
    assert reported["articles"]["on"] in {"tokens", "heads", "all"}  # type: ignore[index]
    assert reported["history"]["parts"]  # type: ignore[index]
    raw = LazyEncoder(copied.settings).name
    system = load_system(load(copied.home, str(active_version(copied.home))), raw)
    assert system.calibration is not None
    assert system.calibration.calibrator.strength.fields
    assert -1 < system.calibration.calibrator.fields.low < system.calibration.calibrator.fields.high
    assert reported["calibrator"] == system.calibration.digest
    stored = vectors_of(copied)
    assert set(stored) == {raw, f"{raw}+{reported['calibrator']}"}
    plain, calibrated = stored.values()
    assert plain.keys() == calibrated.keys()
    assert 0 < np.mean([plain[text] != calibrated[text] for text in plain]) < 0.3
    database = copied.open()
    with database.read() as connection:
        watched = connection.execute(sa.select(sa.func.count()).select_from(article_attention)).scalar()
    database.close()
    assert watched == len(plain)
    _check_monitor(copied, tmp_path / "monitor.json")


def _check_monitor(place: Place, file: Path) -> None:
    """Each article is in one source and one language."""
    at = ["--database-url", place.settings.database_url, "--home", str(place.home)]
    environment = {"ATTUNE_ENCODER": place.settings.encoder}
    shown = CliRunner().invoke(app, ["attention", "monitor", "--json", str(file), *at], env=environment)
    assert shown.exit_code == 0, shown.output
    figures = json.loads(file.read_text())
    groups, flagged = figures["groups"], [row["flagged_share"] for row in figures["flagged"]]
    assert flagged
    assert flagged == sorted(flagged, reverse=True)
    assert flagged[-1] > 0
    database = place.open()
    with database.read() as connection:
        stored = articles.count(connection)
    database.close()
    for group in ("source", "language"):
        rows = [row for row in groups if row["group"] == group]
        assert sum(row["articles"] for row in rows) == stored
        assert 0 < sum(row["articles"] * row["gated"] for row in rows) / stored < 0.3
        assert rows[0]["value"] in shown.output


def test_a_gate_that_does_not_pass_leaves_the_vectors_alone_and_is_still_watched(
    place: Place, tmp_path: Path
) -> None:
    copied, reported = trained(place, tmp_path, passes=False)
    for gate in (reported["articles"], reported["articles"]["fields"]):  # type: ignore[index]
        assert "cannot be known" in gate["why"]
        assert gate["outlook"]["chance"] < 1.1
    assert reported["articles"]["on"] is None  # type: ignore[index]
    assert reported["strength"] == {"gamma": 0.0, "certain": 0.9, "kappa": 0.0, "most_mix": 0.3, "fields": False}
    assert set(vectors_of(copied)) == {LazyEncoder(copied.settings).name}


def test_too_few_articles_to_learn_from_are_reported(tmp_path: Path, tiny_encoder: Path) -> None:
    few = populated(tmp_path, simulate(readers=20, articles=60, days=3, seed=4), like=quick_settings(tiny_encoder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate_articles, "fit_calibrator", lambda *_: pytest.fail("nothing to fit"))
        made = train_quickly(few, LazyEncoder(few.settings))
    assert "too few" in made.manifest["attention"]["articles"]["why"]
    assert "calibrator" not in made.manifest["attention"]
