from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.raw_batch import Batch
from ingest.sources.mind import Mind
from ingest.sources.mind_behaviour import EPOCH
from recsys.domain import SECOND
from recsys.errors import DataError

NEWS = ("N1", "sports", "soccer", 'A "title"', "Text", "https://x", '[{"Label": "Ajax"}]', '[{"Label": "Ajax"}]')
MORNING = "11/15/2019 8:55:22 AM"
MORNING_AT = 1_573_808_122 * SECOND


def folder(tmp_path: Path, news: Sequence[Sequence[str]], behaviours: Sequence[Sequence[str]]) -> Path:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "news.tsv").write_text("".join("\t".join(row) + "\n" for row in news))
    (tmp_path / "behaviors.tsv").write_text("".join("\t".join(row) + "\n" for row in behaviours))
    return tmp_path


def batches(path: Path, size: int = 1 << 20) -> Batch:
    """All of a folder as one batch."""
    found = list(Mind(path, size).batches(0))
    names = ("articles", "events", "slates", "rejects")
    lost = pl.concat(batch.lost for batch in found)
    return Batch(
        found[-1].position, *(pl.concat(getattr(batch, name) for batch in found) for name in names), lost=lost
    )


def clicks(batch: Batch) -> list[tuple[str, str, str | None, int]]:
    return batch.events.select("reader", "article", "request_id", "at").rows()


def test_the_eight_columns_of_an_article(tmp_path: Path) -> None:
    row = batches(folder(tmp_path, [NEWS], [])).articles.row(0, named=True)
    assert (row["id"], row["category"], row["subcategory"], row["title"]) == (
        "N1",
        "sports",
        "soccer",
        'A "title"',
    )
    assert (row["abstract"], row["url"], row["entities"]) == ("Text", "https://x", ["Ajax"])


def test_an_article_may_leave_cells_empty(tmp_path: Path) -> None:
    row = batches(folder(tmp_path, [("N1", "", "", "Title", "", "", "", "")], [])).articles.row(0, named=True)
    assert (row["category"], row["abstract"], row["entities"], row["problem"]) == (None, None, [], None)


def test_entities_that_are_no_json_cost_only_themselves(tmp_path: Path) -> None:
    batch = batches(folder(tmp_path, [(*NEWS[:6], "[{", "[]"), (*NEWS[:6], '[{"Name": 1}]', "[]"), NEWS], []))
    assert batch.articles["problem"].to_list() == [None, None, None]
    assert batch.lost.select("row", "reason").rows() == [
        (1, "entities: not a JSON array"),
        (2, "entities: not a JSON array"),
    ]


def test_a_slate_its_click_and_the_history_before_it(tmp_path: Path) -> None:
    batch = batches(folder(tmp_path, [NEWS], [("7", "U1", MORNING, "N3 N4", "N1-0 N2-1")]))
    slate = batch.slates.row(0, named=True)
    assert (slate["reader"], slate["at"], slate["candidates"]) == ("U1", MORNING_AT, ["N1", "N2"])
    assert slate["id"].startswith("7-")
    assert clicks(batch) == [
        ("U1", "N3", None, MORNING_AT - 2 * SECOND),
        ("U1", "N4", None, MORNING_AT - SECOND),
        ("U1", "N2", slate["id"], MORNING_AT + SECOND),
    ]
    assert batch.events["known_at"].equals(batch.events["at"])


def test_without_times_rows_are_a_second_apart(tmp_path: Path) -> None:
    batch = batches(folder(tmp_path, [NEWS], [("1", "U1", "", "N1-1"), ("2", "U2", "", "N1-0 N2-1")]))
    assert (batch.slates["at"] - EPOCH).to_list() == [SECOND, 2 * SECOND]


def test_a_history_repeated_in_every_impression_is_stored_once(tmp_path: Path) -> None:
    late = ("1", "U1", "11/16/2019 8:00:00 AM", "N3 N4", "N1-0 N2-0")
    batch = batches(folder(tmp_path, [NEWS], [late, ("2", "U1", MORNING, "N3 N4", "N1-0 N2-0")]))
    assert [article for _, article, _, _ in clicks(batch)] == ["N3", "N4"]
    assert max(at for *_, at in clicks(batch)) < MORNING_AT


def test_an_article_twice_in_a_history_was_clicked_twice(tmp_path: Path) -> None:
    batch = batches(folder(tmp_path, [NEWS], [("1", "U1", MORNING, "N3 N4 N3", "N1-0")]))
    assert batch.events["id"].to_list() == ["before/U1/N3/1", "before/U1/N4/1", "before/U1/N3/2"]


def test_a_test_set_without_labels_has_slates_without_clicks(tmp_path: Path) -> None:
    batch = batches(folder(tmp_path, [NEWS], [("1", "U1", MORNING, "", "N1 N2")]))
    assert batch.slates["candidates"].to_list() == [["N1", "N2"]]
    assert batch.events.is_empty()


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("1", "U1", MORNING, "N3", "N1-0 N2"), "shown: labels of some articles only"),
        (("1", "U1", "some day", "N3", "N1-0 N2-1"), "time: this text is not a time Attune reads"),
    ],
)
def test_a_row_that_cannot_be_meant_makes_no_events(tmp_path: Path, row: tuple[str, ...], problem: str) -> None:
    batch = batches(folder(tmp_path, [NEWS], [row, ("2", "U2", MORNING, "", "N1-1")]))
    assert batch.slates["problem"].to_list() == [problem, None]
    assert [reader for reader, *_ in clicks(batch)] == ["U2"]


def test_impressions_of_two_splits_with_one_number_stay_apart(tmp_path: Path) -> None:
    folder(tmp_path / "train", [NEWS], [("1", "U1", MORNING, "", "N1-1 N2-0")])
    folder(tmp_path / "dev", [NEWS], [("1", "U9", MORNING, "", "N1-1 N2-0")])
    batch = batches(tmp_path)
    assert batch.slates["id"].n_unique() == 2
    assert batch.articles.height == 2


def test_lines_with_other_columns_are_rejected(tmp_path: Path) -> None:
    rows = [("1", "U1", MORNING, "", "N1-1"), ("2", "U1"), ("3", "U1", MORNING, "", "N1-1")]
    batch = batches(folder(tmp_path, [NEWS, NEWS[:5]], rows))
    assert batch.rejects.select("file", "row", "reason").rows() == [
        ("news.tsv", 2, "row: other columns than the file has"),
        ("behaviors.tsv", 2, "row: other columns than the file has"),
    ]
    assert batch.slates.height == 2


def test_a_folder_that_is_not_mind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected news\.tsv"):
        Mind(tmp_path)
    (tmp_path / "news.tsv").touch()
    with pytest.raises(DataError, match="empty"):
        Mind(tmp_path)
    (tmp_path / "news.tsv").write_text("a\tb\n")
    with pytest.raises(DataError, match="expected 8"):
        Mind(tmp_path)


IDS = st.integers(1, 6).map(lambda number: f"N{number}")
ROWS = st.lists(
    st.tuples(st.integers(1, 4), st.lists(IDS, max_size=4), st.lists(st.tuples(IDS, st.booleans()), min_size=1)),
    min_size=1,
    max_size=8,
)
Rows = list[tuple[int, list[str], list[tuple[str, bool]]]]


def made(tmp_path: Path, rows: Rows) -> Path:
    shown = [" ".join(f"{name}-{int(clicked)}" for name, clicked in pairs) for *_, pairs in rows]
    return folder(
        tmp_path,
        [NEWS],
        [(str(i), f"U{reader}", " ".join(past), shown[i]) for i, (reader, past, _) in enumerate(rows)],
    )


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_written_values_come_back(tmp_path: Path, rows: Rows) -> None:
    batch = batches(made(tmp_path, rows))
    assert batch.slates["candidates"].to_list() == [[name for name, _ in pairs] for *_, pairs in rows]
    in_slates = batch.events.filter(pl.col("request_id").is_not_null())
    assert in_slates["article"].to_list() == [name for *_, pairs in rows for name, hit in pairs if hit]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.integers(1, 60))
def test_any_split_into_batches_gives_the_same_rows(tmp_path: Path, rows: Rows, size: int) -> None:
    path = made(tmp_path, rows)
    whole, parts = batches(path), batches(path, size)
    assert parts.slates.equals(whole.slates)
    assert parts.events.sort("id", "row").equals(whole.events.sort("id", "row"))


@pytest.mark.parametrize(
    ("rows", "reader", "dated"),
    [
        ([("7", "U1", MORNING, "N3", "N1-0 N2-1")], "U1", True),
        ([("7", "U1", "N3 N4", "N1-0 N2-1")], "U1", False),
        ([("U1", MORNING, "N3 N4", "N1-0 N2-1")], "U1", True),
        ([("U1", "2019-11-14 08:00:00", "", "N1-0 N2-1"), ("U1", "2019-11-14 09:00:00", "", "N1-1")], "U1", True),
    ],
)
def test_the_layout_follows_from_the_content(tmp_path: Path, rows: list[Any], reader: str, dated: bool) -> None:
    slates = batches(folder(tmp_path, [NEWS], rows)).slates
    assert slates["reader"].unique().to_list() == [reader]
    assert slates["candidates"][0].to_list() == ["N1", "N2"]
    assert (slates["at"][0] < EPOCH) == dated


def test_columns_in_another_order_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="order them as impression, reader, time, history, shown"):
        Mind(folder(tmp_path, [NEWS], [(MORNING, "U1", "7", "N3", "N1-0 N2-1")]))
