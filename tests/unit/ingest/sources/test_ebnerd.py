from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from ingest.raw_batch import Batch
from ingest.sources.ebnerd import Ebnerd, bucket_batch
from recsys.domain import SECOND
from recsys.errors import DataError
from tests.unit.ingest.ebnerd_tables import START, START_AT, behaviours, history, write


def batch_of(views: pl.DataFrame, past: pl.DataFrame | None = None) -> Batch:
    def placed(table: pl.DataFrame, file: str) -> pl.DataFrame:
        return table.with_row_index("row", offset=1).with_columns(pl.col("row").cast(pl.Int64), file=pl.lit(file))

    return bucket_batch(
        placed(views, "behaviors.parquet"), placed(history({}) if past is None else past, "history.parquet")
    )


def events(batch: Batch) -> list[tuple[str, float | None, int, int]]:
    """(id, value, seconds after the start that it happened, and that it was known)."""
    rows = batch.events.select("id", "value", (pl.col("at", "known_at") - START_AT) / SECOND)
    return sorted(rows.rows())


def test_a_slate_is_what_was_in_view(tmp_path: Path) -> None:
    slate = batch_of(behaviours({})).slates.row(0, named=True)
    assert (slate["id"], slate["reader"], slate["candidates"]) == ("900", "1", ["101", "102"])
    assert (slate["at"], slate["known_at"], slate["ordered"]) == (START_AT, START_AT, False)
    assert (slate["page"], slate["device"], slate["session"]) == (None, "mobile", "5")


def test_a_click_comes_when_the_page_was_left_and_its_dwell_later() -> None:
    batch = batch_of(behaviours({}))
    assert events(batch) == [
        ("900/101/click", None, 10, 10),
        ("900/101/read", 30.0, 40, 40),
        ("900/101/scroll", 80.0, 40, 40),
    ]
    assert batch.events["request_id"].unique().to_list() == ["900"]


def test_a_page_nobody_clicked_is_a_reading_known_at_its_end() -> None:
    view = {"article_id": 103, "read_time": 20.0, "scroll_percentage": 50.0, "article_ids_clicked": []}
    batch = batch_of(behaviours(view))
    assert events(batch) == [
        ("900/page/click", None, 0, 20),
        ("900/page/read", 20.0, 20, 20),
        ("900/page/scroll", 50.0, 20, 20),
    ]
    assert batch.slates["page"].to_list() == ["103"]
    assert batch.events["request_id"].null_count() == 3


def test_the_page_that_a_click_opened_is_the_clicks_reading() -> None:
    later = {
        "article_id": 101,
        "impression_time": START + timedelta(seconds=12),
        "read_time": 30.0,
        "article_ids_clicked": [],
    }
    batch = batch_of(behaviours({}, later))
    assert [name for name, *_ in events(batch)] == ["900/101/click", "900/101/read", "900/101/scroll"]
    assert batch.merged == 2
    assert batch.slates.height == 2


def test_the_dwell_of_a_slate_with_several_clicks_is_of_none() -> None:
    batch = batch_of(behaviours({"article_ids_clicked": [101, 102]}))
    assert [name for name, *_ in events(batch)] == ["900/101/click", "900/102/click"]


def test_the_same_article_clicked_twice_keeps_its_dwell() -> None:
    batch = batch_of(behaviours({"article_ids_clicked": [101, 101]}))
    assert {name for name, *_ in events(batch)} == {"900/101/click", "900/101/read", "900/101/scroll"}


@pytest.mark.parametrize("dwell", [float("nan"), -1.0])
def test_a_page_dwell_that_cannot_be_meant_does_not_move_the_click(dwell: float) -> None:
    found = events(batch_of(behaviours({"read_time": dwell, "next_scroll_percentage": None})))
    assert found == [("900/101/click", None, 0, 0), ("900/101/read", 30.0, 30, 30)]


def test_histories_are_clicks_with_dwell_and_scroll() -> None:
    past = history({2: [(101, -100, 7.0, 60.0), (102, -50, 3.0, None)]})
    assert events(batch_of(behaviours().clear(), past)) == [
        (f"history/2/101/{START_AT - 100 * SECOND}/click", None, -100, -100),
        (f"history/2/101/{START_AT - 100 * SECOND}/read", 7.0, -93, -93),
        (f"history/2/101/{START_AT - 100 * SECOND}/scroll", 60.0, -93, -93),
        (f"history/2/102/{START_AT - 50 * SECOND}/click", None, -50, -50),
        (f"history/2/102/{START_AT - 50 * SECOND}/read", 3.0, -47, -47),
    ]


def test_a_history_that_repeats_a_click_of_a_slate_is_not_stored_again() -> None:
    batch = batch_of(behaviours({}), history({1: [(101, 11, 30.0, 80.0)]}))
    assert {name.split("/")[0] for name, *_ in events(batch)} == {"900"}
    assert batch.merged == 3


def test_a_history_whose_lists_differ_in_length_is_rejected_alone() -> None:
    past = history({1: [(101, -9, 1.0, None)], 2: [(102, -9, 1.0, None)]})
    broken = pl.when(pl.col("user_id") == 1).then(pl.lit([], dtype=pl.List(pl.Float32)))
    past = past.with_columns(read_time_fixed=broken.otherwise("read_time_fixed"))
    batch = batch_of(behaviours().clear(), past)
    assert batch.rejects.select("file", "row", "kind", "reason").rows() == [
        ("history.parquet", 1, "events", "history: lists of different length")
    ]
    assert batch.events["reader"].unique().to_list() == ["2"]


def test_optional_columns_may_be_absent() -> None:
    views = behaviours({}).select("impression_id", "impression_time", "article_ids_inview", "user_id")
    past = history({1: [(101, -9, 1.0, None)]}).select("user_id", "article_id_fixed", "impression_time_fixed")
    batch = batch_of(views, past)
    assert batch.slates.height == 1
    assert batch.events["kind"].to_list() == ["click"]


def all_of(folder: Path, entries: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    found = list(Ebnerd(folder, entries).batches(0))
    return tuple(pl.concat(getattr(batch, name) for batch in found) for name in ("events", "slates"))


@pytest.mark.parametrize("entries", [1, 3, 1_000])
def test_any_number_of_buckets_gives_the_same_rows(tmp_path: Path, entries: int) -> None:
    views = behaviours(*({"user_id": reader} for reader in (1, 1, 2, 3, 12)))
    folder = write(tmp_path, views, history({reader: [(102, -9, 1.0, 2.0)] for reader in (1, 2, 5)}))
    for whole, parts in zip(all_of(folder, 10**6), all_of(folder, entries), strict=True):
        assert parts.sort("id", "row").equals(whole.sort("id", "row"))


def test_it_goes_on_from_any_batch(tmp_path: Path) -> None:
    source = Ebnerd(write(tmp_path, behaviours(*({"user_id": reader} for reader in range(6)))), 2)
    found = list(source.batches(0))
    assert [batch.position for batch in found] == list(range(1, source.total + 1))
    for batch in found:
        rest = [later.events["id"].to_list() for later in source.batches(batch.position)]
        assert rest == [later.events["id"].to_list() for later in found[batch.position :]]


def test_splits_of_one_folder_are_read_together(tmp_path: Path) -> None:
    later = behaviours({"impression_id": 950, "impression_time": START + timedelta(days=7)})
    write(tmp_path / "train", behaviours({}), history({1: [(102, -9, 1.0, None)]}))
    write(tmp_path / "validation", later, history({1: [(102, -9, 1.0, None), (101, 10, 30.0, 80.0)]}))
    tables, slates = all_of(tmp_path, 1_000)
    assert slates.select("id", "file").sort("id").rows() == [
        ("900", "train/behaviors.parquet"),
        ("950", "validation/behaviors.parquet"),
    ]
    assert tables.filter(pl.col("kind") == "click").height == 3


def test_official_article_columns(tmp_path: Path) -> None:
    articles = pl.DataFrame(
        {
            "article_id": [101, 102],
            "title": ["En", ""],
            "subtitle": ["Under", None],
            "body": ["tre små ord", None],
            "category": [7, 8],
            "category_str": ["sport", None],
            "subcategory": [[71, 72], []],
            "topics": [["Sport"], None],
            "ner_clusters": [["Messi", "Sport"], None],
            "published_time": [START, None],
            "url": ["https://x", None],
            "premium": [True, None],
            "total_pageviews": [10**6, 1],
        },
        schema_overrides={"premium": pl.Boolean},
    )
    batch = next(Ebnerd(write(tmp_path, behaviours(), articles=articles)).batches(0))
    first, second = batch.articles.rows(named=True)
    assert (first["id"], first["abstract"], first["category"], first["subcategory"]) == (
        "101",
        "Under",
        "sport",
        "71",
    )
    assert (first["entities"], first["published_at"]) == (["Messi", "Sport"], START_AT)
    assert (first["word_count"], first["access"], first["language"]) == (3, "premium", "da")
    assert (second["title"], second["category"], second["subcategory"], second["access"]) == (
        None,
        "8",
        None,
        None,
    )


def test_the_demo_has_lengths_instead_of_texts(tmp_path: Path) -> None:
    articles = pl.DataFrame({"article_id": [101, 102], "title": ["En", "To"], "body_chars": [600, None]})
    batch = next(Ebnerd(write(tmp_path, behaviours(), articles=articles)).batches(0))
    assert batch.articles["word_count"].to_list() == [100, None]


def test_a_folder_that_is_not_ebnerd_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected articles\.parquet, behaviors\.parquet"):
        Ebnerd(tmp_path)
    write(tmp_path, behaviours().drop("user_id"))
    with pytest.raises(DataError, match="lacks the columns user_id"):
        Ebnerd(tmp_path)
    write(tmp_path, behaviours(), articles=pl.DataFrame(schema={"article_id": pl.Int32, "title": pl.String}))
    with pytest.raises(DataError, match="empty"):
        Ebnerd(tmp_path)
