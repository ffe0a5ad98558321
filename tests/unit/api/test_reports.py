"""Reports as files: self-contained pages that say what was found, and errors that name the fix."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from api.application.evaluation_reports import METRICS
from api.cli.evaluation_document import evaluation_report, read_result
from api.cli.report_charts import Span, bar_chart, span_chart
from api.cli.report_page import Report, Section, render
from api.cli.trial_document import Trial, TrialData, newest_trial, trial_report
from api.cli.week_document import load_week, week_report
from recsys.domain import DAY, Event, EventKind, Slate
from recsys.errors import DataError
from recsys.evaluation.html_tables import Table
from recsys.evaluation.validation_slice import validation_result
from recsys.frames import events_frame, slates_frame
from recsys.models.model_loader import load_bundle
from recsys.store import articles, event_log
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.database import Database
from recsys.store.experiments import BEFORE, OUTCOMES, SHADOWS
from tests.trained import HashEncoder, Place

VOID = ("meta", "link", "br", "img", "hr")


class Page(HTMLParser):
    """Checks that elements are closed in order; counts them, and keeps their attributes and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.counts: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def checked(report: Report) -> Page:
    """The page of a report, which must need nothing but itself."""
    markup = render(report)
    assert "http" not in markup
    page = Page(markup)
    assert not {"script", "link", "img", "iframe"} & set(page.counts)
    ids = [value for name, value in page.attributes if name == "id"]
    assert {value[1:] for name, value in page.attributes if name == "xlink:href" and value} <= {*ids}
    assert report.verdict in page.text
    return page


@pytest.fixture
def result(trained: Place) -> dict[str, Any]:
    return validation_result(load_bundle(trained.home, HashEncoder.name))


def test_an_evaluation_explains_each_metric_and_draws_intervals(result: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps(result))
    page = checked(evaluation_report(read_result(file)))
    assert page.counts["svg"] == 2
    for _, meaning in METRICS.values():
        assert meaning in page.text
    assert f"{result['data']['impressions']:,} lists" in page.text
    assert f"{result['systems']['attune']['auc']:.4f}" in page.text


@pytest.mark.parametrize(
    ("verdicts", "look"),
    [({"popular": "win", "newest": "win"}, "good"), ({"popular": "tie"}, "soft"), ({"newest": "loss"}, "bad")],
)
def test_the_verdict_of_an_evaluation_follows_the_baselines(
    result: dict[str, Any], verdicts: dict[str, str], look: str
) -> None:
    compared = {name: {**result["comparisons"][name], "verdict": each} for name, each in verdicts.items()}
    assert evaluation_report({**result, "comparisons": compared}).look == look


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"data": {}, "systems": {}, "comparisons": {}, "slices": {}}', "\ud800"]
)
def test_a_file_that_is_no_result_is_an_error_that_names_the_command(tmp_path: Path, content: str) -> None:
    file = tmp_path / "result.json"
    file.write_bytes(content.encode("utf-16", "surrogatepass") if content == "\ud800" else content.encode())
    with pytest.raises(DataError, match="attune evaluate --json"):
        read_result(file)
    with pytest.raises(DataError, match="attune evaluate --json"):
        read_result(tmp_path / "missing.json")


def test_an_incomplete_result_is_an_error(result: dict[str, Any]) -> None:
    for part in ("data", "comparisons", "slices"):
        with pytest.raises(DataError, match="incomplete"):
            evaluation_report({name: value for name, value in result.items() if name != part})


def test_texts_are_escaped_in_pages_and_charts() -> None:
    bad = "<script>alert(1)</script> $x$ & \"q\" 'p'"
    charts = [bar_chart(bad, bad, [bad], [1.0]), span_chart(bad, bad, [Span(bad, 0.0, -1.0, 1.0)], zero=bad)]
    page = checked(Report("t", bad, "soft", "v", [Section(bad, [bad], charts, Table(bad, [bad], [[bad]]))]))
    assert "alert(1)" in page.text


def action(act: AuditAction, subject: str, at: int) -> AuditRow:
    return AuditRow(at, "cli", act, subject)


def test_the_newest_trial_is_reported_with_all_its_shares() -> None:
    started, ended = AuditAction.EXPERIMENT_STARTED, AuditAction.EXPERIMENT_ENDED
    rows = [
        action(started, "old share=0.1 shadow=0", 1),
        action(ended, "old", 2),
        action(started, "new share=0.1 shadow=0", 3),
        action(started, "new share=0.5 shadow=0", 4),
    ]
    assert newest_trial(rows[::-1]) == Trial("new", 3, None, share=None)
    assert newest_trial([action(ended, "new", 5), *rows[::-1]]) == Trial("new", 3, 5, share=None)
    assert newest_trial(rows[:2][::-1]) == Trial("old", 1, 2, share=0.1)
    with pytest.raises(DataError, match="attune models try"):
        newest_trial([])


def outcomes(**clicks: Sequence[int]) -> pl.DataFrame:
    """Outcomes of slates by model, each of a reader of its own; ten seconds of reading a click, and no hide."""
    rows = [
        (model, f"{model}{i}", count, 10.0 * count, 0)
        for model, counts in clicks.items()
        for i, count in enumerate(counts)
    ]
    return pl.DataFrame(rows, schema=OUTCOMES, orient="row")


TRIAL = Trial("new", 0, None)


def data(outcomes: pl.DataFrame, unseen: pl.DataFrame | None = None) -> TrialData:
    """Data of a trial of readers without a past."""
    no_shadows, no_past = pl.DataFrame(schema=SHADOWS), pl.DataFrame(schema=BEFORE)
    return TrialData(outcomes, no_shadows if unseen is None else unseen, no_past)


@pytest.mark.parametrize(
    ("new", "old", "look"),
    [([2] * 180 + [0] * 20, [1] * 90 + [0] * 110, "good"), ([1] * 90 + [0] * 110, [2] * 180 + [0] * 20, "bad"),
     ([1, 0] * 20, [0, 1] * 30, "soft")],
)  # fmt: skip
def test_a_trial_is_judged_by_the_interval_of_the_difference(new: list[int], old: list[int], look: str) -> None:
    report = trial_report(TRIAL, data(outcomes(new=new, old=old)), "now")
    assert report.look == look
    page = checked(report)
    assert page.counts["svg"] == 4
    assert f"{np.mean(new) - np.mean(old):+.3f}" in page.text
    assert f"{len(new)} readers of new, {len(old)} readers of old" in page.text


def test_few_readers_decide_nothing() -> None:
    """The bootstrap of a handful of equal readers has no width, whatever the truth."""
    report = trial_report(TRIAL, data(outcomes(new=[1] * 29, old=[0] * 200)), "now")
    assert report.look == "soft"
    assert "Too few readers" in report.verdict
    assert trial_report(TRIAL, data(outcomes(new=[1] * 30, old=[0] * 200)), "now").look == "good"


def test_more_hidden_articles_are_worse() -> None:
    alike = outcomes(new=[1, 0] * 200, old=[0, 1] * 200)
    hiding = alike.with_columns(hides=(pl.col("model") == "new").cast(pl.Int64))
    report = trial_report(TRIAL, data(hiding), "now")
    assert report.look == "bad"
    assert "worse in hidden articles per 100 lists" in report.verdict
    fewer = alike.with_columns(hides=(pl.col("model") == "old").cast(pl.Int64))
    assert trial_report(TRIAL, data(fewer), "now").look == "good"


def test_arms_of_other_sizes_than_the_trial_gave_them_are_not_compared() -> None:
    uneven = data(outcomes(new=[2] * 300, old=[1] * 500))
    report = trial_report(Trial("new", 0, None, share=0.5), uneven, "now")
    assert report.look == "bad"
    assert "37.5% of the readers" in report.verdict
    assert trial_report(Trial("new", 0, None, share=0.4), uneven, "now").look == "good"


def test_the_reference_of_a_trial_is_the_model_with_most_lists() -> None:
    report = trial_report(TRIAL, data(outcomes(new=[1], old=[0] * 3, older=[0] * 2)), "now")
    assert "3 readers of old" in report.about


def test_a_shadow_run_alone_says_that_nobody_saw_it() -> None:
    unseen = pl.DataFrame([("new", "r", ["a", "b"], ["a", "c"], ["a"])], schema=SHADOWS, orient="row")
    page = checked(trial_report(TRIAL, data(outcomes(), unseen), "now"))
    assert "no reader saw its lists" in page.text
    assert page.counts["svg"] == 1


def test_a_trial_without_lists_is_an_error_that_says_so() -> None:
    with pytest.raises(DataError, match="no list yet"):
        trial_report(TRIAL, data(outcomes(old=[1, 2])), "now")


END = 20_000 * DAY


def fill(database: Database, days: Sequence[int]) -> None:
    """Each reader opens and reads one article a day, from a slate; `days` count back from the end."""
    slates, events = [], []
    for day in days:
        at = END - day * DAY + DAY // 2
        slates.append(Slate(id=f"s{day}", reader="r", at=at, known_at=at, candidates=("a", "b"), model="m"))
        quoted: dict[str, Any] = {"reader": "r", "article": "a", "request_id": f"s{day}", "at": at + 1}
        events.append(Event(id=f"c{day}", kind=EventKind.CLICK, known_at=at + 1, **quoted))
        events.append(Event(id=f"d{day}", kind=EventKind.READ, known_at=at + 2, value=120.0, **quoted))
    with database.write() as connection:
        articles.upsert(connection, pl.DataFrame([{"id": "a", "title": "Tram", "category": "local"}]))
        event_log.append_frames(connection, events_frame(events), slates_frame(slates))


def test_a_week_counts_its_seven_days_and_compares_with_the_week_before(sqlite_database: Database) -> None:
    fill(sqlite_database, [*range(1, 8), *range(10, 15)])
    with sqlite_database.read() as connection:
        week = load_week(connection, END - DAY // 4, END)
    assert week.end == END
    assert [day.feeds for day in week.days] == [1] * 7
    report = week_report(week)
    assert report.look == "good"
    assert "1 readers read 14 minutes, 40% more than in the same time a week before (10)." in report.verdict
    page = checked(report)
    assert "Tram" in page.text
    assert "local" in page.text
    assert f"{datetime.fromtimestamp(END / 1e6 - 86_400, UTC):%a %d %b}" in page.text


def test_a_day_that_is_not_over_is_compared_with_the_same_time(sqlite_database: Database) -> None:
    fill(sqlite_database, [*range(2, 8), *range(8, 15)])
    with sqlite_database.read() as connection:
        week = load_week(connection, END - DAY // 2, END - DAY // 2)
    assert week.before is not None
    assert week.before.feeds == 6
    assert week_report(week).look == "soft"


def test_a_young_log_is_compared_with_nothing(sqlite_database: Database) -> None:
    fill(sqlite_database, range(1, 10))
    with sqlite_database.read() as connection:
        assert load_week(connection, END, END).before is None


def test_a_week_without_rows_is_an_error_that_names_the_option(sqlite_database: Database) -> None:
    fill(sqlite_database, [1])
    with sqlite_database.read() as connection, pytest.raises(DataError, match="--until"):
        load_week(connection, END - 30 * DAY, END)
