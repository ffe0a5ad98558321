"""Addresses of pages: one form for each article, and the network addresses that may be read."""

import ipaddress
import re
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

_PORTS = {"http": 80, "https": 443}
_TRACKING = frozenset(
    {
        "fbclid", "gclid", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "twclid", "igshid", "mc_cid", "mc_eid",
        "_hsenc", "_hsmi", "mkt_tok", "oly_enc_id", "oly_anon_id", "wt_mc", "wt_zmc", "at_medium", "at_campaign",
    }
)  # fmt: skip
_TRACKING_STARTS = ("utm_", "pk_", "piwik_", "mtm_")
"""Parameters that say where a visit came from; they do not change the page."""

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
    kept = [(name, value) for name, value in pairs if not _is_tracking(name.lower())]
    return query if len(kept) == len(pairs) else urlencode(kept)


def _is_tracking(name: str) -> bool:
    return name in _TRACKING or name.startswith(_TRACKING_STARTS)


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
