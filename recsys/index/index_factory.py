"""Creates an index by kind, size and device, and loads one from its folder."""

import logging
from importlib.util import find_spec
from pathlib import Path

from recsys.errors import ConfigError
from recsys.index.exact_index import ExactIndex
from recsys.index.index_files import read_header
from recsys.index.vector_index import VectorIndex
from recsys.settings import Device, IndexKind

log = logging.getLogger(__name__)


def make_index(
    kind: IndexKind = "auto", dim: int = 384, expected_size: int = 0, device: Device = "auto"
) -> VectorIndex:
    """Return an empty index.

    Args:
        kind: `auto` is flat while small (or on a GPU) and HNSW above 5,000 articles; without FAISS it is the
            exact numpy index, with a warning.
        dim: length of the vectors.
        expected_size: expected number of articles, so that `auto` need not rebuild.
        device: `auto` uses a GPU if FAISS finds one; only flat indexes use it.

    Raises:
        ConfigError: `kind` needs FAISS and it is not installed, or `device` is cuda and FAISS finds no GPU.
    """
    if made_kind(kind) == "exact":
        if kind != "exact":
            log.warning("FAISS is not installed; searching by brute force. %s", _INSTALL)
        return ExactIndex(dim)
    gpu = _gpu(f"the index kind '{kind}'", device)
    from recsys.index.faiss_index import FaissIndex

    return FaissIndex(kind, dim, expected_size, gpu)


def made_kind(kind: IndexKind) -> IndexKind:
    """Return the kind that an index of `kind` gets: without FAISS `auto` is exact."""
    return "exact" if kind == "auto" and not _has_faiss() else kind


def load_index(path: Path, device: Device = "auto") -> VectorIndex:
    """Load an index from its folder; the file does not depend on the device.

    Raises:
        BundleError: the folder holds no index, or a damaged one.
        ConfigError: it needs FAISS and it is not installed, or `device` is cuda and FAISS finds no GPU.
    """
    header = read_header(path)
    if header.kind == "exact":
        return ExactIndex.load(path, header)
    gpu = _gpu(f"the index in {path}", device)
    from recsys.index.faiss_index import FaissIndex

    return FaissIndex.load(path, header, gpu)


_INSTALL = "Install it with: pip install 'attune-feed[cpu]' (or 'attune-feed[gpu]')"


def _has_faiss() -> bool:
    return find_spec("faiss") is not None


def _gpu(subject: str, device: Device) -> bool:
    """Return True if FAISS should use a GPU. `subject` names the index in errors.

    Raises:
        ConfigError: FAISS is not installed, or `device` is cuda and FAISS finds no GPU.
    """
    if not _has_faiss():
        raise ConfigError(f"{subject} needs FAISS. {_INSTALL}")
    import faiss

    # a CPU build may lack the function
    gpus = getattr(faiss, "get_num_gpus", lambda: 0)()
    if device == "cuda" and not gpus:
        raise ConfigError(
            "device 'cuda' was requested, but FAISS finds no GPU: install 'attune-feed[gpu]' in place of "
            "'attune-feed[cpu]', or set ATTUNE_DEVICE=auto"
        )
    return device != "cpu" and bool(gpus)
