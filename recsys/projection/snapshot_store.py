"""Folder of state snapshots; the newest few remain.

`<seq>.safetensors` has all readers, `<seq>.<number>-of-<count>.safetensors` those of a shard. A shard also starts
from snapshots of shards that cover it, but writes and deletes only its own.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from recsys.state.shard import WHOLE, Shard
from recsys.state.snapshot import StateCopy

KEEP = 3

_NAME = re.compile(r"(\d+)(?:\.(\d+)-of-([1-9]\d*))?\.safetensors")


class Snapshots:
    """Snapshots of `shard` in `folder`; with None, none are written."""

    def __init__(self, folder: Path | None, shard: Shard = WHOLE) -> None:
        self._folder = folder
        self._shard = shard
        self._rejected: set[Path] = set()

    def newest_first(self) -> Iterator[Path]:
        """Yield the paths of the snapshots from which the shard can start, newest first."""
        if self._folder is None:
            return
        found = [(_parsed(path), path) for path in self._folder.glob("*.safetensors")]
        fitting = [
            (name[0], name[1] == self._shard, path)
            for name, path in found
            if name is not None and name[1].covers(self._shard)
        ]
        yield from (path for _, _, path in sorted(fitting, reverse=True))

    def newest_seq(self, most: int) -> int:
        """Return the last row, at most `most`, of the newest snapshot from which the shard can start.

        Another process may have written it. 0 without a snapshot.
        """
        rows = (_parsed(path) for path in self.newest_first() if path not in self._rejected)
        return next((name[0] for name in rows if name is not None and name[0] <= most), 0)

    def reject(self, path: Path) -> None:
        """Delete `path` at the next save: it does not fit this log, or this configuration."""
        self._rejected.add(path)

    def save(self, state: StateCopy, seq: int) -> Path | None:
        """Write a state up to row `seq`; delete the oldest and the rejected snapshots.

        The new file always remains, even if others have larger numbers: those may be of another database.
        """
        if self._folder is None:
            return None
        part = "" if self._shard == WHOLE else f".{self._shard.number}-of-{self._shard.count}"
        path = self._folder / f"{seq:016d}{part}.safetensors"
        try:
            state.write(path)
        except FileNotFoundError:  # an erasure deleted the unfinished file
            return None
        own = (other for other in self.newest_first() if (_parsed(other) or (0, None))[1] == self._shard)
        earlier = [other for other in own if other != path]
        for old in {*earlier[KEEP - 1 :], *self._rejected} - {path}:
            old.unlink(missing_ok=True)
        self._rejected.clear()
        return path

    def drop_before(self, seq: int) -> None:
        """Delete snapshots of all shards from before row `seq` of the log, and unfinished ones.

        They may hold erased readers.
        """
        if self._folder is None or seq == 0:
            return
        for path in [*self._folder.glob("*.safetensors"), *self._folder.glob("*.partial")]:
            name = _parsed(path)
            if name is None or name[0] < seq:
                path.unlink(missing_ok=True)


def _parsed(path: Path) -> tuple[int, Shard] | None:
    """Return the last row and the shard of a snapshot, from its name; None if it is another file."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    return int(found[1]), WHOLE if found[2] is None else Shard(int(found[2]), int(found[3]))
