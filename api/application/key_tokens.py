"""Tokens of API keys: `att_<id>_<secret>`.

The id is public. The secret has 256 random bits and cannot be guessed, so plain SHA-256 is enough to store it:
slow password hashes protect secrets that people choose, and would cost time in every request.
"""

import hashlib
import hmac
import re
import secrets

_FORM = re.compile(r"att_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_DUMMY_DIGEST = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
"""Compared if an id is unknown, so that unknown ids take as long as wrong secrets."""


def make() -> tuple[str, str]:
    """Return a new token, and its id."""
    id_ = secrets.token_hex(6)
    return f"att_{id_}_{secrets.token_urlsafe(32)}", id_


def id_of(token: str) -> str | None:
    """Return the id in a token, or None if the text is not a token."""
    found = _FORM.fullmatch(token)
    return found[1] if found else None


def digest(token: str) -> str:
    """Return the digest of a token, hexadecimal; only this is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def matches(token: str, stored: str | None) -> bool:
    """Return True if `stored` is the digest of `token`, in constant time; False without one."""
    equal = hmac.compare_digest(digest(token), stored or _DUMMY_DIGEST)
    return equal and stored is not None
