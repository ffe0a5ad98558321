"""Cursors: places in a list, as text that clients send back."""

import base64
import binascii
import json

from recsys.errors import RequestError
from recsys.records import is_storable


def encode(*place: str) -> str:
    """Return the cursor of a place."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def decode(cursor: str, length: int) -> tuple[str, ...] | None:
    """Return the place of a cursor that `encode` made of `length` parts; None for an empty one, the start.

    Raises:
        RequestError: the cursor was not made by `encode`.
    """
    if not cursor:
        return None
    try:
        place = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise _unknown() from error
    if not (isinstance(place, list) and len(place) == length and all(_is_valid(part) for part in place)):
        raise _unknown()
    return tuple(place)


def _is_valid(part: object) -> bool:
    return isinstance(part, str) and is_storable(part)


def _unknown() -> RequestError:
    return RequestError("this cursor is unknown: start with an empty one")
