"""Reader tokens: signed JSON Web Tokens (RFC 7519) that let a page act for one reader, for a short time.

A publisher's server mints them here, or by itself with the shared secret (docs/guides/reader-tokens.md).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jwt
from pydantic import TypeAdapter

from api.application.context import Application
from ingest.field_values import trimmed
from ingest.limits import LONGEST_ID
from recsys.records import is_storable
from recsys.store.signing_secrets import READER_TOKENS, shared_secret

AUDIENCE = "attune-reader"
LONGEST_SECONDS = 86_400
_ALGORITHM = "HS256"
_CLAIMS = ["aud", "exp", "iat", "sub"]

_CLOCK_SKEW = 300
"""Seconds by which the clock of the minting server may be ahead."""

_TIME = TypeAdapter(float)

Access = Literal["free", "all"]
"""Articles that a reader may open: free ones, or also those of subscribers."""

_ACCESS = TypeAdapter(Access)


@dataclass(frozen=True, slots=True)
class TokenReader:
    """Reader of a valid token, by the id that the publisher gave it."""

    id: str
    access: Access


class ReaderTokens:
    """Mint and verification of reader tokens.

    Args:
        secret: shared by all processes, and by servers that mint tokens by themselves.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def mint(self, reader: str, seconds: int, access: Access = "all") -> tuple[str, int]:
        """Return a token of `reader` for `seconds`, and its expiry in seconds since 1970."""
        now = int(time.time())
        claims = {"aud": AUDIENCE, "sub": reader, "iat": now, "exp": now + seconds, "access": access}
        return signed(claims, self._secret), now + seconds

    def reader_of(self, token: str) -> TokenReader | None:
        """Return the reader of a valid token; None if it is expired, wrong, or valid for longer than a day.

        A token without the claim `access` gives access to all articles.
        """
        claims = verified_claims(token, self._secret, AUDIENCE, _CLAIMS)
        if claims is None:
            return None
        try:
            issued, expires = (_TIME.validate_python(claims[name], strict=True) for name in ("iat", "exp"))
            access = _ACCESS.validate_python(claims.get("access", "all"))
        except ValueError:
            return None
        short = 0 < expires - issued <= LONGEST_SECONDS and issued <= time.time() + _CLOCK_SKEW
        reader = claims["sub"]
        return TokenReader(reader, access) if short and _is_id(reader) else None


def signed(claims: dict[str, Any], secret: str) -> str:
    """Return a token with these claims."""
    return jwt.encode(claims, secret, _ALGORITHM)


def verified_claims(token: str, secret: str, audience: str, required: Sequence[str]) -> dict[str, Any] | None:
    """Return the claims of a token; None if it is expired, not signed with `secret`, or of another audience."""
    options: jwt.types.Options = {"require": list(required), "verify_iat": False, "strict_aud": True}
    try:
        return jwt.decode(token, secret, [_ALGORITHM], options, audience=audience)
    except (jwt.InvalidTokenError, ValueError, RecursionError):  # the latter two of texts that are no token
        return None


def looks_like_token(text: str) -> bool:
    """Return True if the text has the form of a JSON Web Token; keys never have it."""
    return text.count(".") == 2


def open_reader_tokens(app: Application) -> ReaderTokens:
    """Return the tokens signed with the secret of `token_secret`.

    Raises:
        StoreError: the database is unavailable.
    """
    return ReaderTokens(token_secret(app))


def token_secret(app: Application) -> str:
    """Return ATTUNE_TOKEN_SECRET, or else a secret that the database holds.

    Raises:
        StoreError: the database is unavailable.
    """
    chosen = app.settings.token_secret
    if chosen is not None:
        return chosen.get_secret_value()
    with app.database.write() as connection:
        return shared_secret(connection, READER_TOKENS)


def _is_id(reader: str) -> bool:
    """Return True if other doors would store this id unchanged."""
    return (
        is_storable(reader) and reader != "" and reader == trimmed(reader) and len(reader.encode()) <= LONGEST_ID
    )
