"""A calibrator in a bundle: written, loaded, refused, and put before the encoder."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.calibration.calibrator_files import calibration_of
from recsys.encoder.article_text import article_texts, text_hash
from recsys.errors import BundleError
from recsys.models import bundle
from recsys.models.calibrator_io import ATTENTION, article_encoder, find_calibrator, write_calibration
from recsys.models.model_loader import load_bundle
from recsys.projection.vector_table import ensure_vectors, stored_vectors
from recsys.store import attention_stats
from recsys.store.database import Database
from tests.calibrated import eager, with_calibration
from tests.hashed import hashed
from tests.trained import HashEncoder, Place
from tests.unit.calibration.small import small_calibrator
from tests.unit.projection.test_vector_table import Dying, frame

RAW = HashEncoder.name


@pytest.fixture
def copied(trained: Place, tmp_path: Path) -> Place:
    return trained.copy(tmp_path / "copy")


def test_a_bundle_brings_back_its_calibrator_and_its_manifest_entry(copied: Place) -> None:
    made = with_calibration(copied, eager(flag_rate=0.75), "with")
    assert made.manifest["attention"]["gain"] == 0.25
    assert made.manifest["attention"]["strength"] == asdict(eager().calibrator.strength)
    loaded = load_bundle(copied.home, RAW).calibration
    assert loaded is not None
    assert (loaded.digest, loaded.flag_rate) == (eager().digest, 0.75)
    assert loaded.calibrator.strength == eager().calibrator.strength


def test_a_digest_is_known_before_there_is_a_file(tmp_path: Path) -> None:
    reported = write_calibration(calibration_of(small_calibrator()), {}, tmp_path)
    assert reported["calibrator"] == calibration_of(small_calibrator()).digest != eager().digest


def test_a_bundle_without_a_calibrator_reads_with_the_encoder_alone(trained: Place) -> None:
    system = load_bundle(trained.home, RAW)
    assert system.calibration is None
    encoder = HashEncoder()
    assert article_encoder(encoder, None) is encoder


def test_a_manifest_entry_without_a_calibrator_is_no_calibrator(copied: Place) -> None:
    loaded = bundle.load(copied.home, str(bundle.active_version(copied.home)))
    loaded.manifest["attention"] = {"why": "too few articles"}
    assert find_calibrator(loaded) is None


@pytest.mark.parametrize(
    "change",
    [
        {"calibrator": "another"},
        {"flag_rate": None},
        {"flag_rate": "much"},
    ],
)
def test_a_calibrator_that_is_not_the_manifests_is_refused(copied: Place, change: dict[str, Any]) -> None:
    made = with_calibration(copied, eager(), "with")
    manifest = json.loads((made.path / bundle.MANIFEST).read_text())
    manifest["attention"] |= change
    (made.path / bundle.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="does not match its manifest"):
        load_bundle(copied.home, RAW)


def test_a_calibrator_that_is_missing_is_refused(copied: Place) -> None:
    made = with_calibration(copied, eager(), "with")
    manifest = json.loads((made.path / bundle.MANIFEST).read_text())
    del manifest["sha256"][ATTENTION]
    (made.path / bundle.MANIFEST).write_text(json.dumps(manifest))
    (made.path / ATTENTION).unlink()
    with pytest.raises(BundleError, match=r"attention\.safetensors"):
        load_bundle(copied.home, RAW)


def test_raw_vectors_calibrated_ones_and_statistics_are_stored_together(database: Database) -> None:
    calibration, articles = eager(), frame(5)
    found = ensure_vectors(database, article_encoder(HashEncoder(), calibration), articles)
    present, raw = stored_vectors(database, RAW, articles)
    assert present.all()
    np.testing.assert_array_equal(raw, hashed(article_texts(articles)))
    present, calibrated = stored_vectors(database, calibration.name_of(RAW), articles)
    assert present.all()
    np.testing.assert_array_equal(calibrated, found)
    assert not np.allclose(calibrated, raw)
    hashes = [text_hash(text) for text in article_texts(articles)]
    with database.read() as connection:
        assert attention_stats.load(connection, RAW, calibration.digest, hashes)["gated"].to_list() == [True] * 5


def test_a_calibrator_of_no_strength_encodes_nothing_again(sqlite_database: Database) -> None:
    shipped, articles = calibration_of(small_calibrator()), frame(5)
    first = ensure_vectors(sqlite_database, HashEncoder(), articles)
    again = ensure_vectors(sqlite_database, article_encoder(Dying(), shipped), articles)
    np.testing.assert_array_equal(first, again)


def test_when_the_breaker_opens_on_the_way_all_vectors_are_raw(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood, seen in the third of four chunks."""
    monkeypatch.setattr("recsys.projection.vector_table.CHUNK", 40)
    calibration, articles = eager(flag_rate=0.05), frame(160)
    reported: list[tuple[int, int]] = []
    encoder = article_encoder(HashEncoder(), calibration)
    found = ensure_vectors(sqlite_database, encoder, articles, lambda done, total: reported.append((done, total)))
    np.testing.assert_array_equal(found, hashed(article_texts(articles)))
    assert encoder.name == RAW
    present, _ = stored_vectors(sqlite_database, calibration.name_of(RAW), articles)
    assert present.sum() == 80
    assert reported == [(40, 160), (80, 160), (40, 40)]
