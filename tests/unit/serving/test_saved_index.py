"""An index on disk: what still holds of it is used, and nothing else."""

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.index.index_factory import make_index
from recsys.index.vector_index import VectorIndex
from recsys.serving.saved_index import SavedIndex
from recsys.settings import IndexKind

IDS = [f"a{i:03}" for i in range(60)]


def vectors(count: int = 60, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)


def filled(kind: IndexKind = "hnsw") -> VectorIndex:
    index = make_index(kind, 16, device="cpu")
    index.add(IDS, vectors())
    return index


def saved(folder: Path, kind: IndexKind = "hnsw") -> SavedIndex:
    place = SavedIndex(folder / "index", kind, "cpu")
    place.save(filled(kind), vectors())
    return place


@pytest.mark.parametrize("kind", ["hnsw", "flat", "exact"])
def test_an_index_is_as_it_was_saved(kind: IndexKind, tmp_path: Path) -> None:
    index, held = saved(tmp_path, kind).load(IDS, vectors())  # type: ignore[misc]
    assert held.all()
    queries = vectors(5, seed=9)
    assert index.search(queries, 7).ids == filled(kind).search(queries, 7).ids


def test_changed_and_removed_articles_are_not_in_it_and_new_ones_are_named(tmp_path: Path) -> None:
    wanted, changed = [*IDS[:40], "new"], vectors()[:41].copy()
    changed[3] += 1
    index, held = saved(tmp_path).load(wanted, changed)  # type: ignore[misc]
    assert [id_ for id_, there in zip(wanted, held, strict=True) if not there] == ["a003", "new"]
    assert index.ids() == [id_ for id_ in IDS[:40] if id_ != "a003"]


def test_one_of_another_kind_or_width_is_not_used(tmp_path: Path) -> None:
    saved(tmp_path, "flat")
    assert SavedIndex(tmp_path / "index", "hnsw", "cpu").load(IDS, vectors()) is None
    assert SavedIndex(tmp_path / "index", "flat", "cpu").load(IDS, vectors()[:, :8]) is None
    assert SavedIndex(tmp_path / "elsewhere", "flat", "cpu").load(IDS, vectors()) is None


def test_a_damaged_one_is_not_used_and_the_next_save_takes_its_place(tmp_path: Path) -> None:
    place = saved(tmp_path)
    (folder,) = (tmp_path / "index").iterdir()
    (folder / "vectors.faiss").write_bytes(b"half")
    assert place.load(IDS, vectors()) is None
    place.save(filled(), vectors(seed=1))
    assert len(list((tmp_path / "index").iterdir())) == 1
    assert place.load(IDS, vectors(seed=1)) is not None


@pytest.mark.parametrize("digests", ["[]", '["a001"]', "null", '{"a001": 3}', "half of a fi", ""])
def test_malformed_digests_are_no_saved_index(
    digests: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = saved(tmp_path)
    (folder,) = (tmp_path / "index").iterdir()
    (folder / "digests.json").write_text(digests)
    assert place.load(IDS, vectors()) is None
    assert "cannot be used" in caplog.text
    place.save(filled(), vectors())
    assert place.load(IDS, vectors()) is not None


def test_a_failed_save_leaves_nothing_and_keeps_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = saved(tmp_path)
    before = list((tmp_path / "index").iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", _full_disk)
        with pytest.raises(OSError, match="no space"):
            place.save(filled(), vectors(seed=1))
    assert list((tmp_path / "index").iterdir()) == before
    assert place.load(IDS, vectors()) is not None


def _full_disk(*_: object, **__: object) -> None:
    raise OSError("no space left")


def test_files_of_a_killed_process_go_and_those_of_another_stay(tmp_path: Path) -> None:
    killed, written = tmp_path / "index" / "1.partial", tmp_path / "index" / f"{time.time_ns()}.partial"
    for folder in (killed, written):
        folder.mkdir(parents=True)
        (folder / "vectors.faiss").write_bytes(b"half")
    saved(tmp_path)
    assert not killed.exists()
    assert written.exists()


def test_without_faiss_the_index_of_kind_auto_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.index.index_factory.find_spec", lambda _: None)
    _, held = saved(tmp_path, "auto").load(IDS, vectors())  # type: ignore[misc]
    assert held.all()
    before = list((tmp_path / "index").iterdir())
    SavedIndex(tmp_path / "index", "auto", "cpu").save(filled("auto"), vectors())
    assert list((tmp_path / "index").iterdir()) == before, "it is there already"


def test_the_same_index_is_not_written_twice(tmp_path: Path) -> None:
    place = saved(tmp_path)
    before = list((tmp_path / "index").iterdir())
    place.save(filled(), vectors())
    assert list((tmp_path / "index").iterdir()) == before
