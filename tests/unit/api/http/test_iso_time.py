"""Times in and out, exact to the microsecond."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.application.iso_time import from_iso, to_iso
from api.cli.options import moment
from recsys.errors import ConfigError, RequestError

YEAR_2262 = 9_223_372_036_854_775


@given(st.integers(-YEAR_2262, YEAR_2262))
@settings(deadline=None, max_examples=100)
def test_there_and_back(at: int) -> None:
    assert from_iso(to_iso(at)) == at


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01T01:00:01.000001+01:00", 1_000_001),
        ("1970-01-01T00:00:00.75", 750_000),
        ("1969-12-31T23:59:59.999999", -1),
    ],
)
def test_naive_times_are_utc(text: str, at: int) -> None:
    assert from_iso(text) == at == moment(text, "--from")


def test_a_wrong_time_is_refused_by_name() -> None:
    with pytest.raises(RequestError, match="'noon' is not an ISO 8601 time"):
        from_iso("noon")
    with pytest.raises(ConfigError, match="--from: 'noon'"):
        moment("noon", "--from")
    assert moment(None, "--to") is None
