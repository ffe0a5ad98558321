"""The address that the limit of collection counts."""

import pytest
from starlette.requests import Request

from api.http.security.site_access import client_network


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("2001:db8:1:2::1", "2001:0db8:0001:0002"),
        ("testclient", "testclient"),
    ],
)
def test_a_home_network_counts_as_one_address(host: str, counted: str) -> None:
    assert client_network(Request({"type": "http", "client": (host, 1)})) == counted


def test_a_connection_without_an_address_is_counted_as_one() -> None:
    assert client_network(Request({"type": "http", "client": None})) == ""
