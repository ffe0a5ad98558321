"""Browser code that the service serves: the built files of `api/web/static`, their versions and hashes."""

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files

CLIENT = "attune-client.mjs"
"""Name under which the module of `api/client` is served."""

_MEDIA_TYPES = {
    ".mjs": "text/javascript; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js.map": "application/json",
    ".css.map": "application/json",
}


@dataclass(frozen=True, slots=True)
class WebFile:
    """One built file. `versioned`: its name with version and hash, under which it never changes."""

    name: str
    versioned: str
    media_type: str
    body: bytes
    compressed: bytes
    digest: bytes

    @property
    def integrity(self) -> str:
        """Value of the attribute `integrity` of a script (Subresource Integrity)."""
        return f"sha384-{base64.b64encode(self.digest).decode()}"

    @property
    def etag(self) -> str:
        """Entity tag: weak, because the compressed body has the same."""
        return f'W/"{self.digest.hex()[:32]}"'


@cache
def web_files() -> dict[str, WebFile]:
    """Return every built file by each name under which it is served."""
    folder = files("api") / "web" / "static"
    found: dict[str, WebFile] = {}
    for each in folder.iterdir():
        if each.name.endswith(tuple(_MEDIA_TYPES)):
            made = _web_file(each.name, each.read_bytes())
            found |= {made.name: made, made.versioned: made}
    client = _web_file(CLIENT, (files("api") / "client" / "attune.mjs").read_bytes())
    return found | {client.name: client, client.versioned: client}


def tracker() -> WebFile:
    """Return the tracker, `attune.js`."""
    return web_files()["attune.js"]


def _web_file(name: str, body: bytes) -> WebFile:
    digest = hashlib.sha384(body).digest()
    stem, kind = re.fullmatch(r"(.+?)(\.(?:m?js|css)(?:\.map)?)", name).groups()  # type: ignore[union-attr]
    return WebFile(
        name=name,
        versioned=f"{stem}-{version('attune-feed')}-{digest.hex()[:8]}{kind}",
        media_type=_MEDIA_TYPES[kind],
        body=body,
        compressed=gzip.compress(body, 9, mtime=0),
        digest=digest,
    )
