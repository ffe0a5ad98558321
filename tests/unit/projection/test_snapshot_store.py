"""Snapshots of one process and of shards in one folder."""

from pathlib import Path

import pytest

from recsys.projection.snapshot_store import KEEP, Snapshots
from recsys.state.live_state import LiveState
from recsys.state.shard import WHOLE, Shard
from recsys.state.snapshot import Watermark, copy_state


def save(folder: Path, shard: Shard, *rows: int) -> None:
    for seq in rows:
        Snapshots(folder, shard).save(copy_state(LiveState(shard), Watermark(seq)), seq)


def names(folder: Path, shard: Shard) -> list[str]:
    return [path.name.lstrip("0") for path in Snapshots(folder, shard).newest_first()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path, WHOLE, 10, 40)
    save(tmp_path, Shard(1, 2), 20)
    save(tmp_path, Shard(3, 4), 30, 40)
    return tmp_path


def test_a_shard_starts_from_what_covers_it_its_own_first(folder: Path) -> None:
    assert names(folder, Shard(3, 4)) == [
        "40.3-of-4.safetensors",
        "40.safetensors",
        "30.3-of-4.safetensors",
        "20.1-of-2.safetensors",
        "10.safetensors",
    ]
    assert names(folder, Shard(1, 4)) == ["40.safetensors", "20.1-of-2.safetensors", "10.safetensors"]
    assert names(folder, Shard(0, 2)) == names(folder, WHOLE) == ["40.safetensors", "10.safetensors"]


def test_a_shard_deletes_only_its_own_old_snapshots(folder: Path) -> None:
    save(folder, Shard(3, 4), *range(50, 50 + KEEP))
    assert names(folder, WHOLE) == ["40.safetensors", "10.safetensors"]
    assert len([name for name in names(folder, Shard(3, 4)) if "3-of-4" in name]) == KEEP
    save(folder, WHOLE, *range(50, 50 + KEEP))
    assert len(names(folder, WHOLE)) == KEEP
    assert "20.1-of-2.safetensors" in names(folder, Shard(1, 2))


def test_an_erasure_deletes_the_older_snapshots_of_all_shards(folder: Path) -> None:
    (folder / "strange.safetensors").touch()
    (folder / "0050.3-of-4.partial").touch()
    Snapshots(folder).drop_before(35)
    assert sorted(path.name.lstrip("0") for path in folder.iterdir()) == [
        "40.3-of-4.safetensors",
        "40.safetensors",
    ]
