"""Addresses of pages: one form for each article, and the network addresses that may be read."""

import ipaddress
import re
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from recsys.state.story_keys import is_tracking

_PORTS = {"http": 80, "https": 443}
_UNWANTED = re.compile("[\\s\0-\x1f\x7f\ud800-\udfff]")
"""Characters that no address has: browsers drop them from links, too."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def canonical_url(link: str, base: str = "") -> str | None:
    """Return the one form of a link: lower-case host, no default port, no fragment, no tracking parameters.

    base: address of the document that contains the link. None if it is no http or https address.
    """
    try:
        parts = urlsplit(urljoin(base, _UNWANTED.sub("", link)))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    shown = f"[{host}]" if ":" in host else host
    place = shown if port in (None, _PORTS[parts.scheme]) else f"{shown}:{port}"
    return urlunsplit((parts.scheme, place, parts.path or "/", _without_tracking(parts.query), ""))


def is_front_page(url: str) -> bool:
    """Return True if a canonical URL names a whole site instead of a page of it."""
    parts = urlsplit(url)
    return parts.path == "/" and not parts.query


def _without_tracking(query: str) -> str:
    if not query:
        return ""
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not is_tracking(name)]
    return query if len(kept) == len(pairs) else urlencode(kept)


def is_public(address: str) -> bool:
    """Return True if an IP address is on the public internet, also when it contains an IPv4 address.

    Private, loopback, link-local (cloud metadata), multicast and reserved addresses are not.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            found = inner
    return found.is_global and not found.is_multicast
