"""Unsubscribe tokens: signed JSON Web Tokens in newsletters. They end, or resume, the newsletters of one reader.

They are no reader tokens: their audience is another one, and mails are old when readers unsubscribe.
"""

import time

import jwt

from api.application.context import Application
from api.application.reader_tokens import token_secret
from recsys.store import letters

_AUDIENCE = "attune-unsubscribe"
_ALGORITHM = "HS256"
_SECONDS = 400 * 86_400
"""Life of a token: more than a year."""


class UnsubscribeTokens:
    """Mint and verification of unsubscribe tokens.

    Args:
        secret: shared by all processes; the one of reader tokens.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def mint(self, reader: str) -> str:
        """Return a token of a stored reader id."""
        claims = {"aud": _AUDIENCE, "sub": reader, "exp": int(time.time()) + _SECONDS}
        return jwt.encode(claims, self._secret, _ALGORITHM)

    def reader_of(self, token: str) -> str | None:
        """Return the stored reader id of a valid token; None if it is expired or wrong."""
        options: jwt.types.Options = {"require": ["aud", "exp", "sub"], "strict_aud": True}
        try:
            claims = jwt.decode(token, self._secret, [_ALGORITHM], options, audience=_AUDIENCE)
        except (jwt.InvalidTokenError, ValueError, RecursionError):  # the latter two of texts that are no token
            return None
        reader = claims["sub"]
        return reader if isinstance(reader, str) and reader else None


def open_unsubscribe_tokens(app: Application) -> UnsubscribeTokens:
    """Return the tokens signed with the secret of reader tokens.

    Raises:
        StoreError: the database is unavailable.
    """
    return UnsubscribeTokens(token_secret(app))


def unsubscribe(app: Application, reader: str) -> None:
    """Send a reader no newsletter any more."""
    with app.database.write() as connection:
        letters.unsubscribe(connection, reader, app.clock.next())


def subscribe(app: Application, reader: str) -> None:
    """Send a reader newsletters again."""
    with app.database.write() as connection:
        letters.subscribe(connection, reader)
