"""Mappings turn rows of analytics exports, in their documented layouts, into rows that the log accepts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest.generic_schema import Reading, mapped_batch
from ingest.jobs import checked_rows
from ingest.mapping import RowMapping, load_mapping, packaged_mappings, parse_mapping
from ingest.raw_batch import Batch, rejects_frame
from ingest.sources.csv import CsvFiles
from ingest.sources.jsonl import JsonLines
from ingest.sources.parquet import ParquetFiles
from ingest.sources.source import Source
from recsys.errors import DataError

SECONDS = 1_795_773_600
MICROS = SECONDS * 1_000_000
URL = "https://news.example/a"
SEEN = "https://News.example/a?utm_source=mail#top"


def ga4(name: str, **params: object) -> dict[str, object]:
    kinds = {str: "string_value", int: "int_value"}
    listed = [{"key": key, "value": {kinds[type(value)]: value}} for key, value in params.items()]
    return {
        "event_name": name, "event_timestamp": MICROS, "user_pseudo_id": "r", "event_params": listed,
        "device": {"category": "mobile"},
    }  # fmt: skip


def snowplow(event: str) -> dict[str, object]:
    return {
        "event": event, "event_id": event, "page_url": SEEN, "domain_userid": "r", "domain_sessionid": "s",
        "derived_tstamp": "2026-11-27 10:00:00.000", "dvce_type": "Computer", "contexts": '{"data": []}',
    }  # fmt: skip


MATOMO = {
    "idVisit": "s", "visitorId": "r", "deviceType": "Desktop",
    "actionDetails": [
        {"type": "action", "url": SEEN, "timestamp": SECONDS, "timeSpent": "30"},
        {"type": "event", "url": SEEN, "timestamp": SECONDS},
        {"type": "action", "url": "https://news.example/b", "timestamp": SECONDS},
    ],
}  # fmt: skip
ADRESSA = {
    "eventId": 9, "userId": "r", "id": "x1", "time": SECONDS, "activeTime": 30, "title": "Tittel",
    "canonicalUrl": SEEN, "category1": "nyheter|sport", "publishtime": "2026-11-27T09:00:00.000Z",
}  # fmt: skip
PLISTA = {"type": "click", "timestamp": SECONDS * 1_000, "context": {"simple": {"25": 5, "57": 99}},
          "recs": {"ints": {"3": [7]}}}  # fmt: skip
SEGMENT = {"type": "page", "messageId": "m", "anonymousId": "r", "timestamp": "2026-11-27T10:00:00.000Z",
           "properties": {"url": SEEN}}  # fmt: skip
GLOBO = {"user_id": "r", "session_id": "s", "click_article_id": "7", "click_timestamp": str(SECONDS * 1_000)}

EXPORTS: dict[str, tuple[Sequence[dict[str, Any]], list[tuple[str, str | None, int, float | None]], int]] = {
    "ga4": (
        [ga4("page_view", page_location=SEEN, ga_session_id=3), ga4("session_start"),
         ga4("user_engagement", page_location=SEEN, engagement_time_msec=42_000),
         ga4("scroll", page_location=SEEN, percent_scrolled=90)],
        [("click", URL, 0, None), ("read", URL, 0, 42.0), ("scroll", URL, 0, 90.0)],
        1,
    ),
    "snowplow": (
        [snowplow("page_view"), snowplow("page_ping"), snowplow("struct")],
        [("click", URL, 0, None), ("read", URL, 0, 10.0)],
        1,
    ),
    "segment": ([SEGMENT, {**SEGMENT, "type": "identify"}], [("click", URL, 0, None)], 1),
    "matomo": (
        [MATOMO, {"idVisit": 2}],
        [("click", URL, 0, None), ("click", "https://news.example/b", 0, None), ("read", URL, 30, 30.0)],
        1,
    ),
    "adressa": ([ADRESSA, {"eventId": 1}], [("click", "x1", 0, None), ("read", "x1", 30, 30.0)], 1),
    "plista": (
        [PLISTA, {**PLISTA, "type": "impression"}, {"id": "7", "title": "T"}, {"type": "error"}],
        [("click", "7", 0, None), ("click", "5", 0, None)],
        1,
    ),
    "globo": ([GLOBO], [("click", "7", 0, None)], 0),
    "pageviews": (
        [{"time": SECONDS, "visitor_id": "r", "url": URL, "engaged_seconds": "30"}, {"time": ""}],
        [("click", URL, 0, None), ("read", URL, 30, 30.0)],
        1,
    ),
}  # fmt: skip


def mapped(rows: Sequence[dict[str, Any]], mapping: RowMapping) -> Batch:
    places = pl.DataFrame({"row": range(len(rows))}, schema={"row": pl.Int64})
    places = places.with_columns(file=pl.lit("f"), raw=pl.lit(None, dtype=pl.String))
    return mapped_batch(1, rows, places, Reading(mapping=mapping), rejects_frame([]))


def test_every_packaged_mapping_has_an_export_here() -> None:
    assert set(packaged_mappings()) == set(EXPORTS)
    assert all(mapping.description for mapping in packaged_mappings().values())


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_in_the_documented_layout(name: str) -> None:
    rows, expected, left_over = EXPORTS[name]
    batch = mapped(rows, load_mapping(name))
    checked = checked_rows(batch, MICROS + 10**9)
    assert all(each.rejects.is_empty() for each in checked.values())
    assert batch.left_over == left_over and batch.lost.is_empty() and batch.unused == frozenset()
    events = checked["events"].good
    assert set(events["reader"]) <= {"r", "99"}
    found = events.with_columns((pl.col("at") - MICROS) // 1_000_000)
    assert sorted(found.select("kind", "article", "at", "value").rows()) == sorted(expected)


def test_articles_come_with_the_views_of_adressa() -> None:
    (row,) = checked_rows(mapped([ADRESSA], load_mapping("adressa")), MICROS)["articles"].good.to_dicts()
    assert (row["id"], row["title"], row["category"], row["url"]) == ("x1", "Tittel", "nyheter", URL)


def test_columns_that_no_rule_reads_are_named() -> None:
    batch = mapped([{**SEGMENT, "traits": {}, "version": 2}], load_mapping("segment"))
    assert batch.unread == {"traits", "version"}


OWN = """
[[rules]]
kind = "events"
when = { what = ["open", "view"] }
[rules.fields]
kind = { path = "what", values = { open = "click", view = "click" } }
reader = "who"
article = { path = "page", pattern = "/(\\\\d+)$" }
at = "then"
id = { path = "n", suffix = "/click" }
"""
VIEWS = [{"what": what, "who": f"r{n}", "page": f"/news/{n}", "then": SECONDS + n, "n": n, "more": "x"}
         for n, what in enumerate(["open", "view", "close"] * 5)]  # fmt: skip


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_own_columns_give_the_same_rows_from_every_format_however_it_is_split(form: str, tmp_path: Path) -> None:
    path, reading = tmp_path / f"views.{form}", Reading(mapping=parse_mapping("own", OWN))
    table = pl.DataFrame(VIEWS)
    if form == "jsonl":
        path.write_text("\n".join(map(json.dumps, VIEWS)))
    else:
        table.write_csv(path) if form == "csv" else table.write_parquet(path)
    make: dict[str, Any] = {"jsonl": JsonLines, "csv": CsvFiles, "parquet": ParquetFiles}
    for size in (1 if form == "parquet" else 100, 10**6):
        source: Source = make[form]([path], size, reading=reading)
        batches = list(source.batches(0))
        events = pl.concat([batch.events for batch in batches])
        assert events["article"].to_list() == [str(row["n"]) for row in VIEWS if row["what"] != "close"]
        assert events["id"][0] == "0/click" and set(events["kind"]) == {"click"}
        assert sum(batch.left_over for batch in batches) == 5
    assert (
        source.fingerprint
        != make[form]([path], reading=Reading(mapping=parse_mapping("b", OWN + "\n"))).fingerprint
    )


def test_snowplow_rows_without_a_header(tmp_path: Path) -> None:
    mapping = load_mapping("snowplow")
    assert mapping.columns is not None
    row = {**snowplow("page_view"), "contexts": '{"a": "b"}', "useragent": '"quoted'}
    path = tmp_path / "enriched.tsv"
    line = "\t".join(str(row.get(name, "")) for name in mapping.columns)
    path.write_text(f"{line}\n{line}\tone too many\n")
    (batch,) = CsvFiles([path], reading=Reading(mapping=mapping)).batches(0)
    assert batch.events["article"].to_list() == [URL] and batch.events["session"].to_list() == ["s"]
    assert batch.rejects.select("kind", "row").rows() == [("unrecognised", 2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no .*rules"),
        ("rules = 3", "no .*rules"),
        ("nothing", "not valid"),
        ('[[rules]]\nkind = "visits"', "kind must be one of articles"),
        ('[[rules]]\nkind = "events"\nfields = {who = "a"}', "fields of events are article"),
        ('[[rules]]\nkind = "events"\nfields = {at = {path = "a", unit = "s"}}', "unknown unit"),
        ('[[rules]]\nkind = "events"\nfields = {at = {}}', "either path or constant"),
        ('[[rules]]\nkind = "events"\nfields = {at = "a..b"}', "no path"),
        ('[[rules]]\nkind = "events"\nfields = {at = ""}', "a path is empty"),
        ('[[rules]]\nkind = "events"\nfields = {at = {path = "a", pattern = "x"}}', "group of the pattern"),
        ('[[rules]]\nkind = "events"\nfields = {at = {path = "a", pattern = "("}}', "not valid"),
        ('[[rules]]\nkind = "events"\nwen = {}\nfields = {at = "a"}', "unknown wen"),
    ],
)
def test_a_mapping_that_is_not_valid_names_the_place(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_mapping("mine", text)


def test_an_unknown_mapping_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ga4, globo"):
        load_mapping("ga5")
    with pytest.raises(DataError, match="check the path"):
        load_mapping(str(tmp_path / "none.toml"))
