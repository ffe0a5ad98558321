"""Strings ↔ dense integers, numbered in order of first use."""

from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1
"""Result of `lookup` for an unknown string."""


class Vocabulary:
    """Dense ids 0, 1, 2, … for strings."""

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self.strings: list[str] = list(dict.fromkeys(strings))
        self._ids = {string: i for i, string in enumerate(self.strings)}

    def __len__(self) -> int:
        return len(self.strings)

    def intern(self, strings: Sequence[str]) -> NDArray[np.int64]:
        """Return dense ids [n] of `strings`; new strings get the next free ids."""
        known = self._ids
        for string in strings:
            if string not in known:
                known[string] = len(self.strings)
                self.strings.append(string)
        return np.fromiter(map(known.__getitem__, strings), dtype=np.int64, count=len(strings))

    def lookup(self, strings: Sequence[str]) -> NDArray[np.int64]:
        """Return dense ids [n] of `strings`, `UNKNOWN` for unknown ones."""
        known = map(self._ids.get, strings, repeat(UNKNOWN))
        return np.fromiter(known, dtype=np.int64, count=len(strings))

    def get(self, string: str | None) -> int:
        """Return the dense id of one string, `UNKNOWN` if it is unknown."""
        return UNKNOWN if string is None else self._ids.get(string, UNKNOWN)

    def forget(self, string: str) -> None:
        """Remove a string, if it is known; its dense id is not used again."""
        if (dense := self._ids.pop(string, None)) is not None:
            self.strings[dense] = ""


class Names(Vocabulary):
    """Vocabulary of names of topics, sources and entities: case and space around do not matter.

    The first spelling stays.
    """

    def __init__(self, strings: Iterable[str] = ()) -> None:
        super().__init__()
        self.intern(list(strings))

    def intern(self, strings: Sequence[str]) -> NDArray[np.int64]:
        """Return dense ids [n] of `strings`; new names get the next free ids."""
        known = self._ids
        folded = [_folded(string) for string in strings]
        for string, name in zip(strings, folded, strict=True):
            if name not in known:
                known[name] = len(self.strings)
                self.strings.append(string.strip())
        return np.fromiter(map(known.__getitem__, folded), dtype=np.int64, count=len(strings))

    def lookup(self, strings: Sequence[str]) -> NDArray[np.int64]:
        """Return dense ids [n] of `strings`, `UNKNOWN` for unknown ones."""
        return super().lookup([_folded(string) for string in strings])

    def get(self, string: str | None) -> int:
        """Return the dense id of one name, `UNKNOWN` if it is unknown."""
        return UNKNOWN if string is None else super().get(_folded(string))


def _folded(name: str) -> str:
    return name.strip().casefold()
