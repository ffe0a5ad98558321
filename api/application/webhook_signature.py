"""Signatures of webhooks, after the Standard Webhooks specification 1.0 (https://www.standardwebhooks.com)."""

import base64
import hmac
import secrets

_PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """Return a random secret: `whsec_` and the base64 of its bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def signed_headers(secret: str, id_: str, seconds: int, body: str) -> dict[str, str]:
    """Return the headers that prove the sender, the time and the content of a message.

    The signature is `v1,` and the base64 of HMAC-SHA-256(secret, "id.seconds.body").

    seconds: Unix time of the attempt.
    """
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.digest(key, f"{id_}.{seconds}.{body}".encode(), "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": id_, "webhook-timestamp": str(seconds), "webhook-signature": signature}
