"""Bundles are refused when they do not fit, and the message names what does not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.errors import BundleError
from recsys.evaluation.systems import rankers_of
from recsys.models import bundle
from recsys.models.model_loader import (
    FEED_RANKER,
    LISTWISE_TREES,
    POINTWISE_TREES,
    READ_MINUTES_TREES,
    READ_UTILITY_TREES,
    TEXT_FREE_LISTWISE_TREES,
    TEXT_FREE_POINTWISE_TREES,
    USER_MODEL,
    VECTOR_SPACE,
    load_bundle,
    schema,
)
from recsys.models.served_ranker import (
    BLEND,
    CONTENT_MATCH,
    FULL_RANKER,
    FULL_SYSTEM,
    NETWORK,
    PARTS,
    POINTWISE,
    TEXT_FREE,
    UNTRAINED,
)
from recsys.ranking.blend import Blend
from recsys.ranking.column_ranker import ColumnRanker
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.lambdamart import LambdaMart
from recsys.ranking.listwise_correction import ListwiseRanker
from recsys.ranking.ranker import HeuristicRanker
from recsys.ranking.score_scaling import PlattScaling, softplus_utility
from tests.trained import HashEncoder, Place


@pytest.fixture
def copied(trained: Place, tmp_path: Path) -> Place:
    return trained.copy(tmp_path / "copy")


def test_a_bundle_is_loaded_whole(trained: Place) -> None:
    system = load_bundle(trained.home, HashEncoder.name)
    assert system.version == bundle.active_version(trained.home)
    assert system.trained_until == system.manifest["data"]["until"]
    assert {path.name for path in (trained.home / "bundles" / system.version).iterdir()} == {
        "manifest.json",
        USER_MODEL,
        VECTOR_SPACE,
        LISTWISE_TREES,
        POINTWISE_TREES,
        TEXT_FREE_POINTWISE_TREES,
        TEXT_FREE_LISTWISE_TREES,
        READ_UTILITY_TREES,
        READ_MINUTES_TREES,
    }


def test_feeds_are_ranked_by_utility_if_the_bundle_has_a_utility_model(trained: Place, tmp_path: Path) -> None:
    system = load_bundle(trained.home, HashEncoder.name)
    pointwise = system.models.pointwise
    assert isinstance(pointwise, LambdaMart)
    assert system.models.feed is system.value
    assert (pointwise.seeds, system.click_ranker.seeds) == (2, 1)
    assert system.models.utility is softplus_utility
    copied = trained.copy(tmp_path / "by clicks")
    _edit(copied, lambda manifest: manifest.update(utility={"on": False}))
    system = load_bundle(copied.home, HashEncoder.name)
    assert system.value is None
    assert system.models.feed is system.click_ranker
    fitted = system.manifest["score_calibration"][FEED_RANKER]
    assert system.models.utility == PlattScaling(fitted["slope"], fitted["intercept"])


def test_a_slate_is_corrected_by_the_share_of_the_manifest(trained: Place) -> None:
    system = load_bundle(trained.home, HashEncoder.name)
    listwise = system.models.listwise
    assert isinstance(listwise, ListwiseRanker)
    assert listwise.share == system.manifest["correction"]["share"] < 1


@pytest.mark.parametrize("system", PARTS)
def test_a_part_serves_if_the_manifest_says_so(copied: Place, system: str) -> None:
    full = load_bundle(copied.home, HashEncoder.name)
    _edit(copied, lambda manifest: manifest["ranking"].update(system=system))
    part = load_bundle(copied.home, HashEncoder.name)
    assert part.served.system == system
    features = np.random.default_rng(2).random((20, len(ALL_FEATURES.names)))
    expected = {
        TEXT_FREE: full.text_free,
        POINTWISE: full.full.base,
        NETWORK: ColumnRanker("", "preference"),
        CONTENT_MATCH: ColumnRanker("", "content"),
        UNTRAINED: HeuristicRanker(),
        BLEND: Blend(full.full, full.text_free),
    }[system].score(features)
    np.testing.assert_array_equal(part.models.listwise.score(features), expected)
    assert (part.models.feed.score(features) != full.models.feed.score(features)).any() == (system != POINTWISE)
    assert list(rankers_of(part))[-2:] == [FULL_RANKER, FULL_SYSTEM]
    np.testing.assert_array_equal(
        rankers_of(part)[FULL_RANKER].score(features), full.models.listwise.score(features)
    )


def test_an_unknown_part_is_refused(copied: Place) -> None:
    _edit(copied, lambda manifest: manifest["ranking"].update(system="oracle"))
    with pytest.raises(BundleError, match="ranks with 'oracle'"):
        load_bundle(copied.home, HashEncoder.name)


def test_a_bundle_holds_no_reader(trained: Place) -> None:
    folder = trained.home / "bundles" / str(bundle.active_version(trained.home))
    for path in folder.iterdir():
        assert b"r00001" not in path.read_bytes()


def test_without_a_bundle_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="attune train"):
        load_bundle(tmp_path, HashEncoder.name)


@pytest.mark.parametrize("name", ["encoder", "features", "state", "labels"])
def test_values_that_do_not_fit_are_named(copied: Place, name: str) -> None:
    def other(manifest: dict[str, Any]) -> None:
        manifest["schema"][name] = "something else"

    _edit(copied, other)
    with pytest.raises(BundleError, match=f"has {name} 'something else'"):
        load_bundle(copied.home, HashEncoder.name)


@pytest.mark.parametrize(
    "name", ["schema", "user_model", "score_calibration", "text_features", "data", "validation", "utility"]
)
def test_missing_entries_of_a_manifest_are_named(copied: Place, name: str) -> None:
    _edit(copied, lambda manifest: manifest.pop(name))
    with pytest.raises(BundleError, match=f"manifest lacks {name}"):
        load_bundle(copied.home, HashEncoder.name)


@pytest.mark.parametrize(
    "name",
    [
        USER_MODEL,
        VECTOR_SPACE,
        LISTWISE_TREES,
        POINTWISE_TREES,
        TEXT_FREE_LISTWISE_TREES,
        TEXT_FREE_POINTWISE_TREES,
        READ_UTILITY_TREES,
        READ_MINUTES_TREES,
    ],
)
def test_a_damaged_file_is_named(copied: Place, name: str) -> None:
    version = str(bundle.active_version(copied.home))
    path = copied.home / "bundles" / version / name
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(BundleError, match=name):
        load_bundle(copied.home, HashEncoder.name)
    path.unlink()
    with pytest.raises(BundleError, match=name):
        load_bundle(copied.home, HashEncoder.name, version)


@pytest.mark.parametrize("correction", [{}, {"share": None}, {"share": float("nan")}, {"share": 1.5}])
def test_a_correction_share_outside_0_to_1_is_refused(copied: Place, correction: dict[str, Any]) -> None:
    _edit(copied, lambda manifest: manifest.update(correction=correction))
    with pytest.raises(BundleError, match="no correction share"):
        load_bundle(copied.home, HashEncoder.name)


def test_swapped_trees_are_refused(copied: Place) -> None:
    folder = copied.home / "bundles" / str(bundle.active_version(copied.home))
    shutil.copy(folder / TEXT_FREE_LISTWISE_TREES, folder / LISTWISE_TREES)

    def same_hash(manifest: dict[str, Any]) -> None:
        manifest["sha256"][LISTWISE_TREES] = manifest["sha256"][TEXT_FREE_LISTWISE_TREES]

    _edit(copied, same_hash)
    with pytest.raises(BundleError, match="other features"):
        load_bundle(copied.home, HashEncoder.name)


def test_the_schema_changes_with_the_encoder() -> None:
    assert schema("one") != schema("two")


def _edit(place: Place, change: Callable[[dict[str, Any]], None]) -> None:
    path = place.home / "bundles" / str(bundle.active_version(place.home)) / bundle.MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
