"""Text about the data of a log, for messages."""

from datetime import UTC, datetime

from recsys.domain import DAY
from recsys.store.log_contents import LogContents


def data_text(contents: LogContents) -> str:
    """Return the counts of a log as text: articles, impressions, clicks, days, and the first and the last time."""
    counts = f"{contents.articles:,} articles, {contents.impressions:,} impressions and {contents.clicks:,} clicks"
    if contents.first is None or contents.last is None:
        return counts
    days = (contents.last - contents.first) / DAY
    return f"{counts} in {days:.1f} days, {_minute(contents.first)} to {_minute(contents.last)}"


def _minute(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1_000_000, UTC):%Y-%m-%dT%H:%M}"
