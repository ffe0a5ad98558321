from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sources import lines
from ingest.sources.lines import blocks, decode

TEXT = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b".")), min_size=1, max_size=12)


def numbered(paths: list[Path], start: int, size: int) -> list[tuple[str, int, bytes]]:
    return [(block.path.name, *line) for block in blocks(paths, start, size) for line in block.numbered()]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT, st.booleans(), st.integers(1, 40))
def test_any_block_size_gives_the_same_numbered_lines(
    tmp_path: Path, text: list[bytes], end: bool, size: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\n".join(text) + (b"\n" if end else b""))
    assert numbered([path], 0, size) == numbered([path], 0, 1 << 20)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT, st.integers(1, 20), st.integers(0, 8))
def test_reading_on_from_a_block_gives_the_rest(tmp_path: Path, text: list[bytes], size: int, stop: int) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    for path in paths:
        path.write_bytes(b"\n".join(text) + b"\n")
    found = list(blocks(paths, 0, size))
    stop = min(stop, len(found) - 1)
    head = [(block.path.name, *line) for block in found[: stop + 1] for line in block.numbered()]
    assert head + numbered(paths, found[stop].end, size) == numbered(paths, 0, size)


def test_blank_lines_count_as_lines_but_are_not_reported(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\r\n\n  \nb")
    assert numbered([path], 0, 100) == [("file", 1, b"a"), ("file", 4, b"b")]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xef\xbb\xbfa\n")
    assert numbered([path], 0, 100) == [("file", 1, b"a")]


def test_a_line_without_end_is_cut_and_the_next_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 10)
    path = tmp_path / "file"
    path.write_bytes(b"x" * 95 + b"\nnext\n")
    (_, first, long), (_, second, following) = numbered([path], 0, 4)
    assert (first, len(long)) == (1, 14)
    assert (second, following) == (2, b"next")


def test_bytes_that_are_not_utf8_are_not_decoded() -> None:
    assert decode("æ".encode()) == "æ"
    assert decode("æ".encode("latin-1")) is None
