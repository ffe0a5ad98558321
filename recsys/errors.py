"""Everything Attune raises on purpose.

AttuneError
├── ConfigError      a setting or flag is wrong, or a driver is missing; the message names the fix
├── DataError        input as a whole cannot be read (one bad row is a counted reject, never an error)
├── StoreError       the database cannot be reached, or its schema does not fit
│   ├── StoreUnavailableError   it cannot be used for now: feeds go on from memory, writes wait
│   └── ErasureError     a reader's rows are deleted, but a file may still hold them
├── EncoderError     the text encoder cannot be loaded, or gave vectors that are not finite
├── BundleError      a trained bundle is missing, damaged, or does not fit this code
├── OrderError       rows were folded, or a question asked, out of the log's order
└── RequestError     a request cannot be answered: bad parameters, unknown ids
"""

__all__ = [
    "AttuneError",
    "BundleError",
    "ConfigError",
    "DataError",
    "EncoderError",
    "ErasureError",
    "OrderError",
    "RequestError",
    "StoreError",
    "StoreUnavailableError",
]


class AttuneError(Exception):
    """Base of all errors with a message meant for the person at the keyboard."""


class ConfigError(AttuneError):
    """A setting or flag is wrong, or a driver is missing."""


class DataError(AttuneError):
    """An input as a whole cannot be read."""


class StoreError(AttuneError):
    """The database cannot be reached, or its schema does not fit this version."""


class StoreUnavailableError(StoreError):
    """The database cannot be used for now, whatever is asked of it."""


class ErasureError(StoreError):
    """A reader's rows are deleted, but a file of the database may still hold them; erasing again goes on."""


class EncoderError(AttuneError):
    """The text encoder cannot be loaded, or gave vectors that are not finite."""


class BundleError(AttuneError):
    """A trained bundle is missing, damaged, or does not fit this code."""


class OrderError(AttuneError):
    """Rows were folded, or a question asked, out of the log's order."""


class RequestError(AttuneError):
    """A request cannot be answered."""
