import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.errors import BundleError, ConfigError
from recsys.models import bundle


def write(folder: Path) -> dict[str, Any]:
    (folder / "ranker.txt").write_text("trees")
    (folder / "weights.bin").write_bytes(b"\x00\x01")
    return {"encoder": "minilm@64"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    bundle.publish(tmp_path, "v1", write)
    return tmp_path


def test_a_published_bundle_loads_with_what_was_written(home: Path) -> None:
    loaded = bundle.load(home, "v1")
    assert (loaded.version, loaded.manifest["encoder"]) == ("v1", "minilm@64")
    assert (loaded.path / "ranker.txt").read_text() == "trees"
    assert set(loaded.manifest["sha256"]) == {"ranker.txt", "weights.bin"}


def test_a_writer_that_fails_leaves_nothing_behind(home: Path) -> None:
    def broken(folder: Path) -> dict[str, Any]:
        write(folder)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        bundle.publish(home, "v2", broken)
    assert bundle.versions(home) == ["v1"]
    assert [path.name for path in (home / "bundles").iterdir()] == ["v1"]


def test_a_bundle_is_invisible_until_it_is_whole(home: Path) -> None:
    def peek(folder: Path) -> dict[str, Any]:
        assert bundle.versions(home) == ["v1"]
        return write(folder)

    bundle.publish(home, "v2", peek)
    assert bundle.versions(home) == ["v1", "v2"]


def test_a_version_is_never_overwritten(home: Path) -> None:
    with pytest.raises(BundleError, match="v1 exists"):
        bundle.publish(home, "v1", write)


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_damage_is_detected_and_named(home: Path, harm: str) -> None:
    file = home / "bundles" / "v1" / "ranker.txt"
    if harm == "changed":
        file.write_text("treez")
    else:
        file.unlink()
    with pytest.raises(BundleError, match=r"damaged: ranker\.txt"):
        bundle.load(home, "v1")


@pytest.mark.parametrize("content", [None, "{", ""])
def test_a_bundle_without_readable_manifest_is_refused(home: Path, content: str | None) -> None:
    manifest = home / "bundles" / "v1" / bundle.MANIFEST
    manifest.unlink() if content is None else manifest.write_text(content)
    with pytest.raises(BundleError, match=r"no readable bundle 'v1' .*: run `attune models list`"):
        bundle.load(home, "v1")


def test_a_bundle_of_another_format_is_refused(home: Path) -> None:
    manifest = home / "bundles" / "v1" / bundle.MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 99}))
    with pytest.raises(BundleError, match="format 99"):
        bundle.load(home, "v1")


def test_activation_points_to_a_version_and_can_go_back(home: Path) -> None:
    assert bundle.active_version(home) is None
    bundle.publish(home, "v2", write)
    for version in ("v2", "v1"):
        bundle.activate(home, version)
        assert bundle.active_version(home) == version


@pytest.mark.parametrize("bad", ["damaged", "missing"])
def test_a_bad_bundle_is_not_activated_and_the_old_one_stays(home: Path, bad: str) -> None:
    bundle.activate(home, "v1")
    bundle.publish(home, "damaged", write)
    (home / "bundles" / "damaged" / "weights.bin").write_bytes(b"")
    with pytest.raises(BundleError):
        bundle.activate(home, bad)
    assert bundle.active_version(home) == "v1"


def test_a_bundle_that_nothing_needs_can_be_removed(home: Path) -> None:
    for version in ("v2", "v3"):
        bundle.publish(home, version, write)
        bundle.activate(home, version)
    bundle.remove(home, "v1")
    assert bundle.versions(home) == ["v2", "v3"]
    for needed in ("v2", "v3"):
        with pytest.raises(BundleError, match="rollback"):
            bundle.remove(home, needed)
    assert {path.name for path in (home / "bundles").iterdir()} == {"v2", "v3", "ACTIVE", "PREVIOUS"}


def test_a_home_without_bundles_has_no_versions(tmp_path: Path) -> None:
    assert bundle.versions(tmp_path) == []
    assert bundle.active_version(tmp_path) is None


@pytest.mark.parametrize("key", ["sha256", "version"])
def test_a_manifest_that_lacks_what_is_needed_is_damaged(home: Path, key: str) -> None:
    rewrite(home, lambda content: content.pop(key))
    with pytest.raises(BundleError, match="damaged: its manifest lacks"):
        bundle.load(home, "v1")


def test_a_manifest_that_is_no_object_is_damaged(home: Path) -> None:
    (home / "bundles" / "v1" / bundle.MANIFEST).write_text("[]")
    with pytest.raises(BundleError, match="not a JSON object"):
        bundle.load(home, "v1")


@pytest.mark.parametrize("name", ["../v1/ranker.txt", "/etc/hostname", "..", "", "a\\b"])
def test_names_that_lead_out_of_the_folder_are_refused(home: Path, name: str) -> None:
    rewrite(home, lambda content: content["sha256"].update({name: "0"}))
    for load in (lambda: bundle.load(home, "v1"), lambda: bundle.load(home, name)):
        with pytest.raises(BundleError, match="not a plain file name"):
            load()
    with pytest.raises(BundleError, match="not a plain file name"):
        bundle.publish(home, name, write)


def rewrite(home: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = home / "bundles" / "v1" / bundle.MANIFEST
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_an_empty_pointer_is_no_active_bundle(home: Path) -> None:
    (home / "bundles" / "ACTIVE").write_text("\n")
    assert bundle.active_version(home) is None


def test_a_home_is_prepared_and_left_clean(tmp_path: Path) -> None:
    bundle.prepare(tmp_path / "new")
    assert list((tmp_path / "new" / "bundles").iterdir()) == []


def test_a_home_that_cannot_be_made_is_an_error_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="ATTUNE_HOME"):
        bundle.prepare(tmp_path / "file")
