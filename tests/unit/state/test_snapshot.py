from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from safetensors.numpy import save_file

from recsys.errors import StoreError
from recsys.state import live_state, snapshot
from recsys.state.live_state import LiveState
from recsys.state.snapshot import Watermark
from tests.unit.state.logs import CATALOG, Log, assert_same, fold, fresh, logs

MARK = Watermark(12, 34, "an id: ø")
EXAMPLES = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EXAMPLES
@given(log=logs())
def test_saved_values_are_loaded(tmp_path: Path, log: Log) -> None:
    state = fold(fresh(), log)
    snapshot.save(state, MARK, tmp_path / "s.safetensors")
    again, mark = snapshot.load(tmp_path / "s.safetensors")
    assert mark == MARK
    assert_same(again, state)


@EXAMPLES
@given(log=logs())
def test_a_loaded_state_goes_on_like_the_one_that_was_saved(tmp_path: Path, log: Log) -> None:
    rank = log[0]["id"].cast(int), log[1]["id"].cast(int)
    early = log[0].filter(rank[0] < 20), log[1].filter(rank[1] < 20)
    late = log[0].filter(rank[0] >= 20), log[1].filter(rank[1] >= 20)
    snapshot.save(fold(fresh(), early), MARK, tmp_path / "s.safetensors")
    again, _ = snapshot.load(tmp_path / "s.safetensors")
    again.upsert_articles(CATALOG)
    assert_same(fold(again, late), fold(fresh(), log))


def test_a_state_without_anything_can_be_saved(tmp_path: Path) -> None:
    snapshot.save(LiveState(), Watermark(), tmp_path / "s.safetensors")
    state, mark = snapshot.load(tmp_path / "s.safetensors")
    assert mark == Watermark()
    assert (len(state.readers), state.articles.strings, state.known_at) == (0, [""], 0)


def test_a_snapshot_appears_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    for _ in range(2):
        snapshot.save(fresh(), MARK, tmp_path / "new" / "s.safetensors")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["s.safetensors"]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        snapshot.load(tmp_path / "s.safetensors")


@pytest.mark.parametrize("content", [b"", b"not a snapshot at all", b"\x00" * 64])
def test_a_file_that_is_no_snapshot_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.safetensors"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="delete it"):
        snapshot.load(path)


def test_a_truncated_snapshot_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    snapshot.save(fresh(), MARK, path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(StoreError, match="cannot be read"):
        snapshot.load(path)


def test_a_snapshot_with_a_changed_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    snapshot.save(fresh(), MARK, path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        snapshot.load(path)


def test_safetensors_of_another_program_are_refused(tmp_path: Path) -> None:
    save_file({"weights": np.zeros(3)}, tmp_path / "s.safetensors")
    with pytest.raises(StoreError, match="another version"):
        snapshot.load(tmp_path / "s.safetensors")


def test_a_snapshot_of_other_half_lives_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "HALF_LIVES", live_state.HALF_LIVES[1:])
    snapshot.save(fresh(), MARK, tmp_path / "s.safetensors")
    monkeypatch.undo()
    with pytest.raises(StoreError, match="another version"):
        snapshot.load(tmp_path / "s.safetensors")


@given(log=logs())
@settings(max_examples=10)
def test_a_snapshot_leaves_out_the_room_that_arrays_keep_to_grow(log: Log) -> None:
    state = fold(fresh(), log)
    arrays = snapshot.copy_state(state, Watermark()).arrays
    for name, rings in (("histories", state.histories.rings), ("exposures", state.exposures.rings)):
        assert len(arrays[f"{name}.article"]) == rings.slots
        assert len(arrays[f"{name}.table"]) == len(arrays[f"{name}.counts"]) == len(state.readers)
