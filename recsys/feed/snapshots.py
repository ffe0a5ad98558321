"""The folder of state snapshots: `<seq>.safetensors`, of which the newest few are kept."""

from collections.abc import Iterator
from pathlib import Path

from recsys.state import snapshot
from recsys.state.live import LiveState
from recsys.state.snapshot import Watermark

KEEP = 3


class Snapshots:
    """Snapshots in `folder`; None keeps none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def newest_first(self) -> Iterator[Path]:
        """The snapshots there are."""
        if self._folder is not None:
            yield from sorted(self._folder.glob("*.safetensors"), reverse=True)

    def save(self, state: LiveState, watermark: Watermark) -> Path | None:
        """Write the state beside earlier ones; the oldest go."""
        if self._folder is None:
            return None
        path = self._folder / f"{watermark.seq:016d}.safetensors"
        try:
            snapshot.save(state, watermark, path)
        except FileNotFoundError:  # an erasure took the unfinished file away
            return None
        for old in list(self.newest_first())[KEEP:]:
            old.unlink(missing_ok=True)
        return path

    def drop_before(self, seq: int) -> None:
        """Delete snapshots from before row `seq` of the log, and unfinished ones: they know who was erased."""
        if self._folder is None or seq == 0:
            return
        for path in [*self._folder.glob("*.safetensors"), *self._folder.glob("*.partial")]:
            if not (path.suffix == ".safetensors" and path.stem.isdigit() and int(path.stem) >= seq):
                path.unlink(missing_ok=True)
