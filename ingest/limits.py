"""Limits of values. They are generous: they keep out what a database refuses or what can only be a mistake."""

from recsys.domain import DAY, MINUTE
from recsys.records import ID_BYTES

EARLIEST = 631_152_000_000_000
"""1990-01-01T00:00Z in microseconds: no news log is older; earlier times are wrong units or defaults."""

LATEST = 253_402_300_799_999_999
"""The end of the year 9999 in microseconds: ISO 8601 writes no later time with four digits."""

CLOCK_SKEW = 5 * MINUTE
LONGEST_ID = ID_BYTES
LONGEST_READING = DAY // 1_000_000
MOST_CANDIDATES = 10_000
LARGEST_INTEGER = 2**31 - 1
