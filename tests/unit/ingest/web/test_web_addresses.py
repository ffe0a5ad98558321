"""One address for each article, and the addresses of the public internet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.web.web_addresses import canonical_url, is_front_page, is_public


@pytest.mark.parametrize(
    ("link", "canonical"),
    [
        ("HTTPS://Example.ORG:443/A?b=1&utm_source=x&fbclid=y#top", "https://example.org/A?b=1"),
        ("http://example.org", "http://example.org/"),
        ("/a/../b", "https://base.example/b"),
        ("?id=3", "https://base.example/news/?id=3"),
        (" https://example.org/a\n b ", "https://example.org/ab"),
        ("https://example.org/a?q=x%20y&empty=", "https://example.org/a?q=x%20y&empty="),
        ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("mailto:me@example.org", None),
        ("javascript:alert(1)", None),
        ("http://[::1", None),
        ("http://example.org:99999/", None),
    ],
)
def test_addresses_have_one_form(link: str, canonical: str | None) -> None:
    assert canonical_url(link, "https://base.example/news/") == canonical


@settings(max_examples=50)
@given(st.text(max_size=40), st.sampled_from(["", "https://example.org/a?b=c", "http://ü.example/"]))
def test_the_form_of_an_address_stays(link: str, base: str) -> None:
    once = canonical_url(link, base)
    assert once is None or canonical_url(once) == once


def test_a_front_page_is_no_article() -> None:
    assert is_front_page("https://example.org/")
    assert not is_front_page("https://example.org/?p=7")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "2002:0a00:0001::1", "64:ff9b::7f00:1", "no address",
    ],
)  # fmt: skip
def test_private_addresses_are_not_public_whatever_contains_them(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)
