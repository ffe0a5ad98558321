from pathlib import Path

import pytest

from ingest.sources import source
from recsys.errors import DataError


def test_a_folder_stands_for_its_files_by_name(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).write_text("x")
    assert [path.name for path in source.expand([tmp_path], ".csv")] == ["a.csv", "b.csv"]


def test_files_are_taken_whatever_their_name(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("x")
    assert source.expand([path], ".csv") == [path]


@pytest.mark.parametrize(
    ("names", "message"),
    [(["absent.csv"], "does not exist"), (["."], "no .csv file in folder"), (["empty.txt"], "is empty")],
)
def test_nothing_to_read_is_an_error(tmp_path: Path, names: list[str], message: str) -> None:
    (tmp_path / "empty.txt").touch()
    with pytest.raises(DataError, match=message):
        source.expand([tmp_path / name for name in names], ".csv")


def test_a_fingerprint_follows_content_name_and_format_but_not_the_place(tmp_path: Path) -> None:
    def written(folder: str, name: str, text: str) -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    here, there = written("here", "log", "abc"), written("there", "log", "abc")
    assert source.fingerprint("csv", [here]) == source.fingerprint("csv", [there])
    others = [("jsonl", here), ("csv", written("c", "log", "abd")), ("csv", written("d", "other", "abc"))]
    assert source.fingerprint("csv", [here]) not in {source.fingerprint(name, [path]) for name, path in others}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["reader", "at"], "fit no kind of rows: articles need id, title.*--map"),
        (["title", "text"], "contains articles but lacks the columns id; rename columns.*--map"),
        (["kind", "at"], "contains events but lacks the columns reader"),
        (["id", "title", "title"], "is repeated"),
    ],
)
def test_columns_that_fit_no_rows_are_an_error_that_names_those_that_would(names: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        source.required_kind(Path("log.csv"), names)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        source.fingerprint("csv", [tmp_path])
