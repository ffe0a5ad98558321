"""MIND's download against a server on this machine."""

import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from ingest import download
from recsys.errors import DataError


def archive(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, f"content of {name}\n" * 2_000)
    return packed.getvalue()


MIND = archive("MINDsmall/news.tsv", "MINDsmall/behaviors.tsv", "../outside.txt")


class Server(HTTPServer):
    """Serves `files`; hangs up after `cut` bytes of the first answer if `cut` is set."""

    files: dict[str, bytes]
    cut: int | None
    ranges: list[str | None]
    takes_ranges: bool

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        body = self.server.files.get(self.path)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.takes_ranges else 0
        if body is None or start >= len(body):
            self.send_error(404 if body is None else 416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        cut, self.server.cut = self.server.cut, None
        self.wfile.write(body[start:] if cut is None else body[start : start + cut])

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server(("127.0.0.1", 0), Handler)
    served.files = {f"/MINDsmall_{split}.zip": MIND for split in ("train", "dev")}
    served.cut, served.ranges, served.takes_ranges = None, [], True
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()
    thread.join()


def test_both_splits_come_unpacked_and_nothing_else(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    download.mind("small", tmp_path / "mind", lambda done, total: seen.append((done, total)), [server.url])
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == [f"mind/{split}/{name}.tsv" for split in ("dev", "train") for name in ("behaviors", "news")]
    assert (tmp_path / "mind/train/news.tsv").read_text().startswith("content of MINDsmall/news.tsv")
    assert seen[-1] == (len(MIND), len(MIND))


def test_files_that_are_there_are_not_fetched_again(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        download.mind("small", tmp_path, mirrors=[server.url])
    assert len(server.ranges) == 2


@pytest.mark.parametrize("takes_ranges", [True, False])
def test_a_download_that_broke_off_goes_on(server: Server, tmp_path: Path, takes_ranges: bool) -> None:
    server.cut, server.takes_ranges = 100, takes_ranges
    target = tmp_path / "MINDsmall_train.zip"
    with pytest.raises(httpx.HTTPError):
        download.fetch(f"{server.url}/MINDsmall_train.zip", target)
    assert not target.exists()
    download.fetch(f"{server.url}/MINDsmall_train.zip", target)
    assert target.read_bytes() == MIND
    assert server.ranges == [None, "bytes=100-"]


def test_a_part_that_is_all_of_it_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "MINDsmall_train.zip.part").write_bytes(MIND)
    download.fetch(f"{server.url}/MINDsmall_train.zip", tmp_path / "MINDsmall_train.zip")
    assert (tmp_path / "MINDsmall_train.zip").read_bytes() == MIND


def test_the_next_mirror_is_tried(server: Server, tmp_path: Path) -> None:
    download.mind("small", tmp_path, mirrors=[f"{server.url}/gone", server.url])
    assert (tmp_path / "dev" / "news.tsv").is_file()


def test_when_no_mirror_delivers_the_error_names_the_fix(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot download MINDsmall_train\.zip: .*404.*by hand"):
        download.mind("small", tmp_path, mirrors=[f"{server.url}/gone"])


def test_a_damaged_archive_is_deleted(server: Server, tmp_path: Path) -> None:
    server.files["/MINDsmall_train.zip"] = MIND[:-50]
    with pytest.raises(DataError, match="is damaged"):
        download.mind("small", tmp_path, mirrors=[server.url])
    assert not (tmp_path / "MINDsmall_train.zip").exists()


def test_an_archive_of_something_else_is_an_error(server: Server, tmp_path: Path) -> None:
    server.files["/MINDsmall_train.zip"] = archive("readme.txt")
    with pytest.raises(DataError, match=r"contains no news\.tsv"):
        download.mind("small", tmp_path, mirrors=[server.url])


def test_a_folder_that_cannot_be_made_is_an_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write below"):
        download.mind("small", tmp_path / "file", mirrors=[server.url])
