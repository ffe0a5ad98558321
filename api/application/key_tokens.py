"""Bearer keys: `att_<id>_<secret>`.

The id is public. The secret has 256 random bits, so nobody can try all of them, and a plain SHA-256 is all that
its storage needs: slow password hashes protect what people make up and remember, at a price for every request.
"""

import hashlib
import hmac
import re
import secrets

_FORM = re.compile(r"att_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_NOBODY = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
"""Compared with when an id is unknown, so that unknown ids take as long as wrong secrets."""


def make() -> tuple[str, str]:
    """A new key, and its id."""
    id_ = secrets.token_hex(6)
    return f"att_{id_}_{secrets.token_urlsafe(32)}", id_


def id_of(token: str) -> str | None:
    """The public part of a key, None if the text has not the form of one."""
    found = _FORM.fullmatch(token)
    return found[1] if found else None


def digest(token: str) -> str:
    """What is stored of a key, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def matches(token: str, stored: str | None) -> bool:
    """Whether `stored` is the digest of `token`, in constant time; never if there is none."""
    equal = hmac.compare_digest(digest(token), stored or _NOBODY)
    return equal and stored is not None
