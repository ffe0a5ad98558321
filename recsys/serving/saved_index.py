"""Saved index on disk, so that a restart need not build the graph again: for 20,000 articles that takes seconds.

The files are derived data and may be deleted. They are compared with the stored vectors, by one digest per
article; articles that differ, because the index is old or of another encoder, are added again.
"""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from recsys.errors import BundleError
from recsys.index.index_factory import load_index, made_kind
from recsys.index.index_files import read_header
from recsys.index.vector_index import VectorIndex
from recsys.settings import Device, IndexKind

logger = logging.getLogger(__name__)

_DIGESTS = "digests.json"
_DIGEST_BY_ID = TypeAdapter(dict[str, str])

_ABANDONED = 3_600 * 10**9
"""Nanoseconds after which an unfinished folder is deleted: its process was killed while writing."""


class SavedIndex:
    """Newest index saved in `folder` by a process of this machine; folders are named by the time of saving."""

    def __init__(self, folder: Path, kind: IndexKind, device: Device) -> None:
        self._folder = folder
        self._kind = made_kind(kind)
        self._device = device

    def load(
        self, ids: Sequence[str], vectors: NDArray[np.float32]
    ) -> tuple[VectorIndex, NDArray[np.bool_]] | None:
        """Return the saved index, and the mask of the `vectors` [n, d] in it; None if no index is saved."""
        for path in self._newest_first():
            try:
                return self._read(path, ids, vectors)
            except (BundleError, OSError, ValueError) as error:
                logger.warning("the saved index in %s cannot be used: %s", path, error)
        return None

    def save(self, index: VectorIndex, vectors: NDArray[np.float32]) -> None:
        """Write `index`, whose sorted ids have `vectors` [n, d], atomically, and delete older ones.

        If another process has saved the same index, nothing is written.

        Raises:
            OSError: the index cannot be written, for example on a full disk; older ones remain.
        """
        digests = dict(zip(index.ids(), _digests(vectors), strict=True))
        older = self._newest_first()
        if older and self._has_digests(older[0], digests):
            return
        now = time.time_ns()
        done = self._folder / str(now)
        partial = done.with_suffix(".partial")
        try:
            index.save(partial)
            (partial / _DIGESTS).write_text(json.dumps(digests))
            partial.rename(done)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        for path in [*older, *self._abandoned(now)]:
            shutil.rmtree(path, ignore_errors=True)

    def _has_digests(self, path: Path, digests: Mapping[str, str]) -> bool:
        try:
            return read_header(path).kind == self._kind and _read_digests(path) == digests
        except (BundleError, OSError, ValueError):
            return False

    def _read(
        self, path: Path, ids: Sequence[str], vectors: NDArray[np.float32]
    ) -> tuple[VectorIndex, NDArray[np.bool_]]:
        header = read_header(path)
        if (header.kind, header.dim) != (self._kind, vectors.shape[1]):
            raise BundleError(f"it is of kind {header.kind} with {header.dim} dimensions")
        saved = _read_digests(path)
        index = load_index(path, self._device)
        now = dict(zip(ids, _digests(vectors), strict=True))
        index.remove([id_ for id_ in index.ids() if id_ not in now or now[id_] != saved.get(id_)])
        present = set(index.ids())
        return index, np.fromiter((id_ in present for id_ in ids), dtype=np.bool_, count=len(ids))

    def _newest_first(self) -> list[Path]:
        whole = (path for path in self._folder.glob("*") if path.name.isdigit())
        return sorted(whole, key=lambda path: int(path.name), reverse=True)

    def _abandoned(self, now: int) -> list[Path]:
        """Return unfinished folders that no process can still be writing at `now` (nanoseconds)."""
        unfinished = (path for path in self._folder.glob("*.partial") if path.stem.isdigit())
        return [path for path in unfinished if now - int(path.stem) > _ABANDONED]


def _read_digests(path: Path) -> dict[str, str]:
    """Return the digests by id in the folder `path`.

    Raises:
        OSError: there is no such file.
        ValueError: the file is damaged.
    """
    return _DIGEST_BY_ID.validate_json((path / _DIGESTS).read_bytes())


def _digests(vectors: NDArray[np.float32]) -> list[str]:
    rows = np.ascontiguousarray(vectors)
    return [hashlib.blake2b(row, digest_size=8).hexdigest() for row in rows]
