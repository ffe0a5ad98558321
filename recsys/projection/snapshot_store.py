"""The folder of state snapshots: `<seq>.safetensors`, of which the newest few are kept."""

from collections.abc import Iterator
from pathlib import Path

from recsys.state.snapshot import StateCopy

KEEP = 3


class Snapshots:
    """Snapshots in `folder`; None keeps none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._refused: set[Path] = set()

    def newest_first(self) -> Iterator[Path]:
        """The snapshots there are."""
        if self._folder is not None:
            yield from sorted(self._folder.glob("*.safetensors"), reverse=True)

    def refuse(self, path: Path) -> None:
        """Let `path` go at the next save: it does not hold for this log, or for this configuration."""
        self._refused.add(path)

    def save(self, taken: StateCopy, seq: int) -> Path | None:
        """Write a state that reaches to row `seq` beside earlier ones; the oldest go, and what was refused.

        Whatever the numbers of others are, this one is kept: they may be of another database.
        """
        if self._folder is None:
            return None
        path = self._folder / f"{seq:016d}.safetensors"
        try:
            taken.write(path)
        except FileNotFoundError:  # an erasure took the unfinished file away
            return None
        earlier = [other for other in self.newest_first() if other != path]
        for old in {*earlier[KEEP - 1 :], *self._refused} - {path}:
            old.unlink(missing_ok=True)
        self._refused.clear()
        return path

    def drop_before(self, seq: int) -> None:
        """Delete snapshots from before row `seq` of the log, and unfinished ones: they know who was erased."""
        if self._folder is None or seq == 0:
            return
        for path in [*self._folder.glob("*.safetensors"), *self._folder.glob("*.partial")]:
            if not (path.suffix == ".safetensors" and path.stem.isdigit() and int(path.stem) >= seq):
                path.unlink(missing_ok=True)
