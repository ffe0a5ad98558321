import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recsys.errors import BundleError, ConfigError
from recsys.index import index_factory
from recsys.index.exact_index import ExactIndex
from recsys.index.faiss_index import FaissIndex
from recsys.index.index_factory import load_index, make_index
from recsys.settings import IndexKind


@pytest.fixture
def _no_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_factory, "find_spec", lambda name: None)


@pytest.fixture
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faiss.get_num_gpus", lambda: 0)


@pytest.mark.usefixtures("_no_faiss")
def test_auto_falls_back_to_brute_force_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        index = make_index("auto", 4)
    assert isinstance(index, ExactIndex)
    assert "pip install 'attune-feed[cpu]'" in caplog.text


@pytest.mark.usefixtures("_no_faiss")
@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_kind_that_needs_faiss_names_the_extra(kind: IndexKind) -> None:
    with pytest.raises(ConfigError, match=r"pip install 'attune-feed\[cpu\]'"):
        make_index(kind, 4)


def test_saved_faiss_index_names_the_extra_where_faiss_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_index("flat", 4, device="cpu").save(tmp_path)
    monkeypatch.setattr(index_factory, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"attune-feed\[cpu\]"):
        load_index(tmp_path)


@pytest.mark.usefixtures("_no_gpu")
def test_cuda_without_a_gpu_is_refused_with_the_fix() -> None:
    with pytest.raises(ConfigError, match="ATTUNE_DEVICE=auto"):
        make_index("flat", 4, device="cuda")


@pytest.mark.usefixtures("_no_gpu")
def test_auto_device_without_a_gpu_runs_on_the_cpu() -> None:
    index = make_index("flat", 4, device="auto")
    index.add(["a"], np.ones((1, 4)))
    assert index.search(np.ones((1, 4)), 1).ids == [["a"]]


def test_exact_needs_no_device() -> None:
    assert isinstance(make_index("exact", 4, device="cuda"), ExactIndex)
    assert isinstance(make_index("flat", 4, device="cpu"), FaissIndex)


def test_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no readable index"):
        load_index(tmp_path)


@pytest.mark.parametrize(("field", "value"), [("format", 2), ("kind", "magic"), ("ids", "abc"), ("extra", 1)])
def test_header_of_another_version_is_refused(tmp_path: Path, field: str, value: object) -> None:
    make_index("exact", 4).save(tmp_path)
    header = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps({**header, field: value}))
    with pytest.raises(BundleError):
        load_index(tmp_path)


def test_unknown_structure_is_refused(tmp_path: Path) -> None:
    make_index("flat", 4, device="cpu").save(tmp_path)
    header = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps({**header, "structure": "tree"}))
    with pytest.raises(BundleError, match="cannot be read"):
        load_index(tmp_path, "cpu")


def test_torch_is_not_imported() -> None:
    program = "import sys, recsys.index.index_factory, recsys.index.faiss_index; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=False).returncode == 0
