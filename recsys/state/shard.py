"""Shards: the readers of one log divided among processes by a hash of their stored id."""

import re
from dataclasses import dataclass
from zlib import crc32

from recsys.errors import ConfigError

_WRITTEN = re.compile(r"(\d{1,3})/(\d{1,3})")


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `number` of `count`, counted from 0: the readers whose CRC-32 is `number` modulo `count`.

    CRC-32 (that of Ethernet and gzip) of the id in UTF-8: HAProxy has it as the converter `crc32`, so it finds the
    shard of a reader without Attune.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, written: str) -> "Shard":
        """Return the shard written as `i/n`; all readers for an empty text.

        Raises:
            ConfigError: it is not a shard.
        """
        if not written.strip():
            return WHOLE
        found = _WRITTEN.fullmatch(written.strip())
        if found is None or int(found[1]) >= int(found[2]):
            raise ConfigError(
                f"shard {written!r}: write it like 0/4, the first of 4 is 0/4 and the last one is 3/4"
            )
        return cls(int(found[1]), int(found[2]))

    def holder(self, reader: str) -> int:
        """Return the number of the shard that holds `reader` (a stored id)."""
        return crc32(reader.encode()) % self.count

    def holds(self, reader: str) -> bool:
        """Return True if this shard holds `reader` (a stored id)."""
        return self.count == 1 or self.holder(reader) == self.number

    def covers(self, other: "Shard") -> bool:
        """Return True if all readers of `other` are in this shard, so that its state contains that of `other`."""
        return other.count % self.count == 0 and other.number % self.count == self.number

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


WHOLE = Shard(0, 1)
"""All readers in one process."""
