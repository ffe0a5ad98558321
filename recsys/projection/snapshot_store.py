"""Folder of state snapshots, `<seq>.safetensors`; the newest few remain."""

from collections.abc import Iterator
from pathlib import Path

from recsys.state.snapshot import StateCopy

KEEP = 3


class Snapshots:
    """Snapshots in `folder`; with None, none are written."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._rejected: set[Path] = set()

    def newest_first(self) -> Iterator[Path]:
        """Yield the paths of the snapshots, newest first."""
        if self._folder is not None:
            yield from sorted(self._folder.glob("*.safetensors"), reverse=True)

    def reject(self, path: Path) -> None:
        """Delete `path` at the next save: it does not fit this log, or this configuration."""
        self._rejected.add(path)

    def save(self, state: StateCopy, seq: int) -> Path | None:
        """Write a state up to row `seq`; delete the oldest and the rejected snapshots.

        The new file always remains, even if others have larger numbers: those may be of another database.
        """
        if self._folder is None:
            return None
        path = self._folder / f"{seq:016d}.safetensors"
        try:
            state.write(path)
        except FileNotFoundError:  # an erasure deleted the unfinished file
            return None
        earlier = [other for other in self.newest_first() if other != path]
        for old in {*earlier[KEEP - 1 :], *self._rejected} - {path}:
            old.unlink(missing_ok=True)
        self._rejected.clear()
        return path

    def drop_before(self, seq: int) -> None:
        """Delete snapshots from before row `seq` of the log, and unfinished ones: they may hold erased readers."""
        if self._folder is None or seq == 0:
            return
        for path in [*self._folder.glob("*.safetensors"), *self._folder.glob("*.partial")]:
            if not (path.suffix == ".safetensors" and path.stem.isdigit() and int(path.stem) >= seq):
                path.unlink(missing_ok=True)
