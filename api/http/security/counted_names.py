"""Names under which readers and addresses are counted: keyed hashes, so that no counter holds either."""

import hashlib
import hmac
import secrets


class CountedNames:
    """Keyed hashes (HMAC-SHA-256) with a secret of this process, which is stored and logged nowhere."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def of(self, name: str) -> str:
        """Return the name under which a reader or an address is counted."""
        return hmac.new(self._secret, name.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
