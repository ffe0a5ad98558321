"""Unsubscribe tokens: signed JSON Web Tokens in newsletters. They end, or resume, the newsletters of one reader.

They are no reader tokens: their audience is another one, and mails are old when readers unsubscribe.
"""

import time

from api.application.context import Application
from api.application.reader_tokens import signed, token_secret, verified_claims
from recsys.store import letters

_AUDIENCE = "attune-unsubscribe"
_CLAIMS = ("aud", "exp", "sub")
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
        return signed(claims, self._secret)

    def reader_of(self, token: str) -> str | None:
        """Return the stored reader id of a valid token; None if it is expired or wrong."""
        claims = verified_claims(token, self._secret, _AUDIENCE, _CLAIMS)
        reader = None if claims is None else claims["sub"]
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
