"""Ids for rows that bring none: a hash of their content, so that storing twice stores once.

Every id is 32 hex digits: BLAKE2b (RFC 7693) of 128 bits.
"""

import hashlib
from collections.abc import Mapping, Sequence

# Listed here, not derived from the records: a field more, or another order, would give stored rows new ids. A new
# field belongs here only if rows that differ in nothing else are different rows.
_EVENT_FIELDS = (
    "reader", "kind", "article", "subject", "value", "at", "request_id", "position", "session", "device",
)  # fmt: skip
_SLATE_FIELDS = ("reader", "at", "candidates", "page", "model", "session", "device")
_SEPARATOR = "\x1f"
_ELEMENTS = "\x1e"
_ABSENT = "\x00"  # validation refuses it in text, so that null and "" differ


def event_id(values: Mapping[str, object]) -> str:
    """Return the id of an event with these values; the id itself and the time of receipt do not count."""
    return _digest(values, _EVENT_FIELDS)


def slate_id(values: Mapping[str, object]) -> str:
    """Return the id of an impression likewise: of reader, time and candidates in their order."""
    return _digest(values, _SLATE_FIELDS)


def _digest(values: Mapping[str, object], fields: Sequence[str]) -> str:
    content = _SEPARATOR.join(_text(values.get(name)) for name in fields)
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def _text(value: object) -> str:
    if value is None:
        return _ABSENT
    return _ELEMENTS.join(map(_text, value)) if isinstance(value, list | tuple) else str(value)
