"""Report of seven days of the log: lists, opened articles, reading, articles and sections."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.cli.report_charts import bar_chart, row_chart
from api.cli.report_page import Look, Report, Section
from recsys.domain import DAY, SECOND
from recsys.errors import DataError
from recsys.evaluation.data_text import data_text
from recsys.evaluation.html_tables import Table
from recsys.store import log_archive, reading_totals, traffic
from recsys.store.log_contents import log_contents
from recsys.store.reading_totals import ArticleTotal, SectionTotal

if TYPE_CHECKING:
    from recsys.store.database import Connection
    from recsys.store.traffic import Traffic

DAYS = 7
_TOP_ARTICLES, _TOP_SECTIONS = 10, 12
_SMALL = 0.02
"""Share of change below which two weeks are called equal."""


@dataclass(frozen=True, slots=True)
class Week:
    """Figures of seven days in UTC that end at `end` (microseconds); the last one may not be over.

    days: traffic by day, oldest first. before: traffic of the time as long before; None if the log does not reach
    back to its first day. readers: those who acted on an article.
    """

    end: int
    days: Sequence["Traffic"]
    before: "Traffic | None"
    readers: int
    articles: Sequence[ArticleTotal]
    sections: Sequence[SectionTotal]


def load_week(connection: "Connection", until: int, now: int) -> Week:
    """Count the seven days of the log up to `until` (microseconds), or the end of its day, from the log itself.

    Roll-ups are not used: they end where no service has counted, and go back 60 days only.

    Raises:
        DataError: these days have no list and no event, or are archived.
    """
    end = -(-until // DAY) * DAY
    start = end - DAYS * DAY
    log_archive.require_in_sql(connection, start)
    days = [traffic.count(connection, at, at + DAY) for at in range(start, end, DAY)]
    contents = log_contents(connection)
    if not any(day.feeds or day.events for day in days):
        raise DataError(
            f"the log has no list and no event from {_day(start)} to {_day(end)} ({data_text(contents)} in all): "
            "choose the end of another week with --until"
        )
    length = DAYS * DAY
    in_sql = log_archive.until(connection) <= start - length
    reaches_back = in_sql and contents.first is not None and contents.first < start - length + DAY
    return Week(
        end=end,
        days=days,
        before=traffic.count(connection, start - length, min(end, now) - length) if reaches_back else None,
        readers=reading_totals.readers(connection, start, end),
        articles=reading_totals.top_articles(connection, start, end, _TOP_ARTICLES),
        sections=reading_totals.sections(connection, start, end)[:_TOP_SECTIONS],
    )


def week_report(week: Week) -> Report:
    """Return the report of a week."""
    days = week.days
    names = [_label(day.period) for day in days]
    feeds, opened, minutes = (_total(days, part) for part in ("feeds", "opened", "read_seconds"))
    look, verdict = _verdict(week)
    return Report(
        title="A week of reading",
        about=f"Seven days in UTC, {names[0]} to {names[-1]}: {week.readers:,} readers with {opened:,.0f} opened "
        f"articles and {minutes / 60:,.0f} minutes of reading; {feeds:,.0f} lists shown.",
        look=look,
        verdict=verdict,
        sections=[
            Section(
                "Reading",
                ["Minutes that readers spent on articles. A tab that stays open counts for ten minutes at most."],
                [
                    bar_chart(
                        "Minutes of reading by day", "minutes", names, [day.read_seconds / 60 for day in days]
                    )
                ],
            ),
            Section(
                "Lists and opened articles",
                [
                    "A list is one slate of articles that was shown to a reader. Click-through is the number of "
                    "articles opened from lists for each 100 lists."
                ],
                [
                    bar_chart("Lists shown by day", "lists", names, [float(day.feeds) for day in days]),
                    bar_chart("Opened articles by day", "articles", names, [float(day.opened) for day in days]),
                    bar_chart(
                        "Click-through by day", "opened from 100 lists", names, [_rate(day) for day in days]
                    ),
                ],
                _by_day(names, days),
            ),
            _articles(week.articles),
            _sections(week.sections),
        ],
    )


def _verdict(week: Week) -> tuple[Look, str]:
    now = _total(week.days, "read_seconds") / 60
    before = 0.0 if week.before is None else week.before.read_seconds / 60
    readers = f"{week.readers:,} readers read {now:,.0f} minutes"
    if not before:
        return "soft", f"{readers}. The log has no whole week before it to compare with."
    change = now / before - 1
    if abs(change) < _SMALL:
        return "soft", f"{readers}, about as much as in the same time a week before ({before:,.0f})."
    word = "more" if change > 0 else "less"
    return "good" if change > 0 else "bad", (
        f"{readers}, {abs(change):.0%} {word} than in the same time a week before ({before:,.0f})."
    )


def _by_day(names: Sequence[str], days: Sequence["Traffic"]) -> Table:
    rows = [
        [name, f"{day.feeds:,}", f"{day.opened:,}", f"{_rate(day):.1f}", f"{day.read_seconds / 60:,.1f}"]
        for name, day in zip(names, days, strict=True)
    ]
    return Table("By day", ["day", "lists", "opened articles", "click-through", "minutes"], rows)


def _articles(found: Sequence[ArticleTotal]) -> Section:
    if not found:
        return Section("Articles", ["No article was opened."])
    rows = [
        [each.title or each.id, each.category or "–", f"{each.opened:,}", f"{each.read_seconds / 60:,.1f}"]
        for each in found
    ]
    title, names = "Most opened articles", [each.title or each.id for each in found]
    chart = row_chart(title, "times opened", names, [float(each.opened) for each in found])
    return Section("Articles", [], [chart], Table(title, ["article", "section", "opened", "minutes"], rows))


def _sections(found: Sequence[SectionTotal]) -> Section:
    if not found:
        return Section("Sections", ["No article was opened or read."])
    names = [each.category or "without a section" for each in found]
    chart = row_chart(
        "Minutes of reading by section", "minutes", names, [each.read_seconds / 60 for each in found]
    )
    rows = [
        [name, f"{each.opened:,}", f"{each.read_seconds / 60:,.1f}"]
        for name, each in zip(names, found, strict=True)
    ]
    return Section("Sections", [], [chart], Table("By section", ["section", "opened", "minutes"], rows))


def _rate(day: "Traffic") -> float:
    return 100 * day.from_feeds / day.feeds if day.feeds else 0.0


def _total(days: Sequence["Traffic"], part: str) -> float:
    return float(sum(getattr(day, part) for day in days))


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at / SECOND, UTC):%Y-%m-%d %H:%M}"


def _label(at: int) -> str:
    return f"{datetime.fromtimestamp(at / SECOND, UTC):%a %d %b}"
