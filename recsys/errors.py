"""Errors that Attune raises on purpose.

AttuneError
├── ConfigError      a setting or option is wrong, or a driver is missing; the message names the fix
├── DataError        an input as a whole cannot be read (a bad row is a counted reject, never an error)
├── StoreError       the database is unavailable, or its schema does not fit
│   ├── StoreUnavailableError   the database is unavailable for now: feeds go on from memory, writes fail
│   ├── ArchiveError     a file of the log's archive cannot be read, or is damaged
│   └── ErasureError     a reader's rows are deleted, but a file may still contain them
├── EncoderError     the text encoder cannot be loaded, or gave vectors that are not finite
│   └── EncoderBusyError   another process of this machine encodes articles now, and stores their vectors
├── BundleError      a trained bundle is missing, damaged, or does not fit this code
├── ForeignReaderError   another shard has the state of the reader
├── OrderError       rows were folded out of the log's order
├── WorkerError      a worker process of a replay died
└── RequestError     a request cannot be answered: bad parameters, unknown ids
"""

__all__ = [
    "ArchiveError",
    "AttuneError",
    "BundleError",
    "ConfigError",
    "DataError",
    "EncoderBusyError",
    "EncoderError",
    "ErasureError",
    "ForeignReaderError",
    "OrderError",
    "RequestError",
    "StoreError",
    "StoreUnavailableError",
    "WorkerError",
]


class AttuneError(Exception):
    """Base class of errors whose message is shown to the user."""


class ConfigError(AttuneError):
    """A setting or option is wrong, or a driver is missing."""


class DataError(AttuneError):
    """An input as a whole cannot be read."""


class StoreError(AttuneError):
    """The database is unavailable, or its schema does not fit this version."""


class StoreUnavailableError(StoreError):
    """The database is unavailable for now."""


class ArchiveError(StoreError):
    """A file of the log's archive cannot be read, or is damaged."""


class ErasureError(StoreError):
    """A reader's rows are deleted, but a file of the database may still contain them; erase the reader again."""


class EncoderError(AttuneError):
    """The text encoder cannot be loaded, or gave vectors that are not finite."""


class EncoderBusyError(EncoderError):
    """Another process of this machine encodes articles now, and stores their vectors."""


class BundleError(AttuneError):
    """A trained bundle is missing, damaged, or does not fit this code."""


class ForeignReaderError(AttuneError):
    """Another shard has the state of the reader.

    Attributes:
        holder: number of that shard.
    """

    def __init__(self, holder: int, count: int) -> None:
        super().__init__(
            f"shard {holder}/{count} has this reader: send the request there, or name all shards in "
            "ATTUNE_SHARD_PEERS"
        )
        self.holder = holder


class OrderError(AttuneError):
    """Rows were folded out of the log's order."""


class WorkerError(AttuneError):
    """A worker process of a replay died."""


class RequestError(AttuneError):
    """A request cannot be answered."""
