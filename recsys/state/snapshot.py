"""State on disk: one safetensors file, written atomically, valid for one configuration of the state."""

import hashlib
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from recsys.constants import HALF_LIVES
from recsys.errors import StoreError
from recsys.state.elo import RATES
from recsys.state.event_codes import COUNTERS
from recsys.state.flat_arrays import Rings
from recsys.state.live_state import LiveState
from recsys.state.vocabulary import Names, Vocabulary

VERSION = 8


@dataclass(frozen=True, slots=True)
class Watermark:
    """Position in the log: a state holds all rows up to `seq`; its last one in fold order is (known_at, id)."""

    seq: int = 0
    known_at: int = 0
    id: str = ""


def configuration_hash(state: LiveState) -> str:
    """Return a hash that changes when this code cannot use older snapshots."""
    parts = [VERSION, HALF_LIVES, COUNTERS, RATES, *(rings.length for rings in _rings(state).values())]
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
        "configuration": configuration_hash(state),
        "watermark": json.dumps([watermark.seq, watermark.known_at, watermark.id]),
        "known_at": str(state.known_at),
        "pages": json.dumps([rings.pages_used for rings in _rings(state).values()]),
    }
    return StateCopy({name: np.array(array, order="C") for name, array in _arrays(state).items()}, header)


def save(state: LiveState, watermark: Watermark, path: Path) -> None:
    """Write `state` to `path`; the file appears whole or not at all."""
    copy_state(state, watermark).write(path)


def load(path: Path) -> tuple[LiveState, Watermark]:
    """Read what `save` wrote.

    Raises:
        StoreError: the file is damaged, or was written by another configuration; delete it, the log has it all.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            arrays = {name: np.array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise StoreError(f"state snapshot {path} cannot be read: {error}; delete it") from error
    state = LiveState()
    if header.get("configuration") != configuration_hash(state):
        raise StoreError(f"state snapshot {path} was written by another version of the state; delete it")
    if header["digest"] != _digest(arrays):
        raise StoreError(f"state snapshot {path} is damaged: its content is not what was written; delete it")
    _restore(state, arrays, json.loads(header["pages"]))
    state.known_at = int(header["known_at"])
    return state, Watermark(*json.loads(header["watermark"]))


def _digest(arrays: dict[str, NDArray[Any]]) -> str:
    """Safetensors checks sizes, not content: a half-written page on disk would go unseen."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(arrays[name].reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _arrays(state: LiveState) -> dict[str, NDArray[Any]]:
    """Return the arrays; those of readers and of rings without the room that they have to grow."""
    histories, exposures, catalog = state.histories, state.exposures, state.catalog
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
        **{f"{name}.counts": rings.counts[:readers] for name, rings in _rings(state).items()},
        **{f"{name}.table": rings.table[:readers] for name, rings in _rings(state).items()},
        **{f"histories.{name}": array[: histories.rings.slots] for name, array in histories.fields.items()},
        **{f"exposures.{name}": array[: exposures.rings.slots] for name, array in exposures.fields.items()},
        "elo": state.elo.articles,
        "follows": state.follows.pairs(),
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
    state.exposures.restore({name: arrays[f"exposures.{name}"] for name in state.exposures.fields})
    state.elo.restore(arrays["elo"])
    state.follows.restore(arrays["follows"])


def _rings(state: LiveState) -> dict[str, Rings]:
    return {"histories": state.histories.rings, "exposures": state.exposures.rings}


def _strings(name: str, vocabulary: Vocabulary) -> dict[str, NDArray[Any]]:
    encoded = [string.encode() for string in vocabulary.strings]
    return {
        f"{name}.bytes": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        f"{name}.ends": np.cumsum([len(part) for part in encoded], dtype=np.int64),
    }


def _vocabulary(name: str, arrays: dict[str, NDArray[Any]]) -> Vocabulary:
    everything, ends = arrays[f"{name}.bytes"].tobytes(), arrays[f"{name}.ends"].tolist()
    return Vocabulary(everything[a:b].decode() for a, b in pairwise([0, *ends]))
