"""State on disk: one safetensors file, written atomically, valid for one configuration of the state.

The snapshot of a shard is one of all shards that it covers: that of all readers starts any shard.
"""

import hashlib
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from recsys.constants import HALF_LIVES
from recsys.errors import ConfigError, StoreError
from recsys.state.elo import RATES
from recsys.state.event_codes import COUNTERS
from recsys.state.exposures import Exposures
from recsys.state.flat_arrays import Rings
from recsys.state.live_state import LiveState
from recsys.state.mapped_arrays import mapped
from recsys.state.narrowed_exposures import narrowed
from recsys.state.shard import WHOLE, Shard
from recsys.state.shard_exposures import ShardExposures
from recsys.state.vocabulary import Names, Vocabulary

VERSION = 8

_EXPOSURES = ("exposures.", "windows.")
"""Beginnings of the names of arrays that differ between shards."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """Position in the log: a state holds all rows up to `seq`; its last one in fold order is (known_at, id)."""

    seq: int = 0
    known_at: int = 0
    id: str = ""


def configuration_hash(state: LiveState) -> str:
    """Return a hash that changes when this code cannot use older snapshots."""
    parts: list[object] = [VERSION, HALF_LIVES, COUNTERS, RATES]
    parts += [rings.length for rings in (state.histories.rings, state.exposures.rings)]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class StateCopy:
    """Copy of a state, which is written while the state changes."""

    arrays: dict[str, NDArray[Any]]
    header: dict[str, str]

    def write(self, path: Path) -> None:
        """Write it to `path`; the file appears whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        save_file(self.arrays, partial, {**self.header, "digest": _digest(self.arrays)})
        partial.replace(path)


def copy_state(state: LiveState, watermark: Watermark) -> StateCopy:
    """Copy `state`, which holds the log up to `watermark`."""
    header = {
        # versions without shards must not take a part for the whole
        "configuration": configuration_hash(state) + ("" if state.shard == WHOLE else f" {state.shard}"),
        "watermark": json.dumps([watermark.seq, watermark.known_at, watermark.id]),
        "known_at": str(state.known_at),
        "pages": json.dumps([rings.pages_used for rings in _rings(state).values()]),
    }
    return StateCopy({name: np.array(array, order="C") for name, array in _arrays(state).items()}, header)


def save(state: LiveState, watermark: Watermark, path: Path) -> None:
    """Write `state` to `path`; the file appears whole or not at all."""
    copy_state(state, watermark).write(path)


def load(path: Path, shard: Shard = WHOLE) -> tuple[LiveState, Watermark]:
    """Read what `save` wrote, as the state of `shard`: the file is of it, or of a shard that covers it.

    Raises:
        StoreError: the file is damaged, was written by another configuration, or has not all readers of `shard`;
            delete it, the log has it all.
    """
    try:
        header, arrays = mapped(path)
    except (OSError, SafetensorError, KeyError) as error:  # KeyError: a number format that no state has
        raise StoreError(f"state snapshot {path} cannot be read: {error}; delete it") from error
    written, _, part = header.get("configuration", "").partition(" ")
    state = LiveState(_shard(part))
    if written != configuration_hash(state):
        raise StoreError(f"state snapshot {path} was written by another version of the state; delete it")
    if not state.shard.covers(shard):
        raise StoreError(f"state snapshot {path} has the readers of shard {state.shard}, not those of {shard}")
    if header["digest"] != _digest(arrays):
        raise StoreError(f"state snapshot {path} is damaged: its content is not what was written; delete it")
    # a smaller shard takes its part of the exposures, which are most of the file; all else changes in place
    copied = {
        name: array if state.shard != shard and name.startswith(_EXPOSURES) else np.array(array)
        for name, array in arrays.items()
    }
    _restore(state, copied, json.loads(header["pages"]))
    state.known_at = int(header["known_at"])
    if state.shard != shard:
        state.shard, state.exposures = shard, narrowed(state.exposures, state.readers, shard)
    return state, Watermark(*json.loads(header["watermark"]))


def _shard(written: str) -> Shard:
    try:
        return Shard.parse(written)
    except ConfigError as error:
        raise StoreError(f"a state snapshot is of a shard that cannot be: {error}; delete it") from error


def _digest(arrays: dict[str, NDArray[Any]]) -> str:
    """Safetensors checks sizes, not content: a half-written page on disk would go unseen."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(arrays[name].reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _arrays(state: LiveState) -> dict[str, NDArray[Any]]:
    """Return the arrays; those of readers and of rings without the room that they have to grow."""
    histories, exposures, catalog = state.histories, _own(state), state.catalog
    readers = len(state.readers)
    return {
        **_strings("readers", state.readers),
        **_strings("articles", state.articles),
        **_strings("categories", catalog.categories),
        **_strings("authors", catalog.authors),
        "category": catalog.category,
        "counters.articles": state.counters.articles,
        "counters.groups": state.counters.groups,
        "counters.epochs": state.counters.epochs,
        "first_shown": state.first_shown,
        **_ring_arrays("histories", histories.rings, readers),
        **_ring_arrays("exposures", exposures.rings, readers if state.shard == WHOLE else _of_shard(state).held),
        **{f"histories.{name}": array[: histories.rings.slots] for name, array in histories.fields.items()},
        **{f"exposures.{name}": array[: exposures.rings.slots] for name, array in exposures.fields.items()},
        "elo": state.elo.articles,
        "follows": state.follows.pairs(),
        **({} if state.shard == WHOLE else _window_arrays(_of_shard(state))),
    }


def _restore(state: LiveState, arrays: dict[str, NDArray[Any]], pages: list[int]) -> None:
    state.readers = _vocabulary("readers", arrays)
    state.articles = _vocabulary("articles", arrays)
    state.catalog.categories = Names(_vocabulary("categories", arrays).strings)
    state.catalog.authors = _vocabulary("authors", arrays)
    state.first_shown = arrays["first_shown"]
    state.catalog.reserve(len(state.first_shown))
    state.conversations.reserve(len(state.first_shown))
    state.catalog.category = arrays["category"]
    state.counters.restore(*(arrays[f"counters.{name}"] for name in ("articles", "groups", "epochs")))
    for (name, rings), used in zip(_rings(state).items(), pages, strict=True):
        rings.restore(arrays[f"{name}.counts"], arrays[f"{name}.table"], used)
    state.histories.restore({name: arrays[f"histories.{name}"] for name in state.histories.fields})
    exposures = _own(state)
    exposures.restore({name: arrays[f"exposures.{name}"] for name in exposures.fields})
    if state.shard != WHOLE:
        _restore_windows(_of_shard(state), arrays)
    state.elo.restore(arrays["elo"])
    state.follows.restore(arrays["follows"])


def _rings(state: LiveState) -> dict[str, Rings]:
    return {"histories": state.histories.rings, "exposures": state.exposures.rings}


def _ring_arrays(name: str, rings: Rings, readers: int) -> dict[str, NDArray[Any]]:
    return {f"{name}.counts": rings.counts[:readers], f"{name}.table": rings.table[:readers]}


def _own(state: LiveState) -> Exposures:
    exposures = state.exposures
    return exposures if isinstance(exposures, Exposures) else exposures.own


def _of_shard(state: LiveState) -> ShardExposures:
    assert isinstance(state.exposures, ShardExposures)
    return state.exposures


def _window_arrays(exposures: ShardExposures) -> dict[str, NDArray[Any]]:
    """Return the arrays of the readers of other shards; `windows.heads` [k, 3]: row, article, place."""
    windows, count = exposures.windows, exposures.numbered - exposures.held
    heads = [np.insert(head, 0, row, axis=1) for row, head in sorted(windows.heads.items())]
    return {
        "exposures.rows": exposures.rows[: exposures.numbered],
        **_ring_arrays("windows", windows.rings, count),
        **{f"windows.{name}": array[: windows.rings.slots] for name, array in windows.fields.items()},
        "windows.second": windows.second[:count],
        "windows.heads": np.concatenate(heads) if heads else np.zeros((0, 3), dtype=np.int32),
        "windows.pages": np.asarray([windows.rings.pages_used], dtype=np.int64),
    }


def _restore_windows(exposures: ShardExposures, arrays: dict[str, NDArray[Any]]) -> None:
    exposures.restore(arrays["exposures.rows"])
    windows = exposures.windows
    pages = int(arrays["windows.pages"][0])
    windows.rings.restore(arrays["windows.counts"], arrays["windows.table"], pages)
    windows.fields = {name: arrays[f"windows.{name}"] for name in windows.fields}
    windows.second = arrays["windows.second"]
    heads = arrays["windows.heads"]
    rows, starts = np.unique(heads[:, 0], return_index=True)
    windows.heads = dict(zip(rows.tolist(), np.split(heads[:, 1:], starts[1:]), strict=True)) if len(rows) else {}
    windows.refresh()


def _strings(name: str, vocabulary: Vocabulary) -> dict[str, NDArray[Any]]:
    encoded = [string.encode() for string in vocabulary.strings]
    return {
        f"{name}.bytes": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        f"{name}.ends": np.cumsum([len(part) for part in encoded], dtype=np.int64),
    }


def _vocabulary(name: str, arrays: dict[str, NDArray[Any]]) -> Vocabulary:
    everything, ends = arrays[f"{name}.bytes"].tobytes(), arrays[f"{name}.ends"].tolist()
    return Vocabulary(everything[a:b].decode() for a, b in pairwise([0, *ends]))
