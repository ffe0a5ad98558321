"""Mastodon archives, in the form that Mastodon exports them."""

import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest.sources.archive_files import archive_files
from ingest.sources.mastodon import MastodonArchive, address
from ingest.sources.social_rows import TITLE_CHARS
from recsys.errors import DataError

ME = "https://social.example/users/ann"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def create(number: int, content: str, **note: Any) -> dict[str, Any]:
    id_ = f"{ME}/statuses/{number}"
    to = note.pop("to", [PUBLIC])
    at = f"2024-05-0{number}T10:00:00Z"
    made = {
        "id": id_, "type": "Note", "summary": None, "inReplyTo": None, "published": at, "content": content,
        "url": f"https://social.example/@ann/{number}", "contentMap": {"en": content}, "tag": [],
    }  # fmt: skip
    activity = {"id": f"{id_}/activity", "type": "Create", "actor": ME, "published": at, "to": to, "cc": []}
    return {**activity, "object": {**made, **note}}


OUTBOX = [
    create(1, "<p>Tides &amp; <b>eels</b></p>", tag=[{"type": "Hashtag", "name": "#eels"}]),
    create(2, "<p>" + "word " * 60 + "</p>", inReplyTo="https://other.example/users/bob/statuses/9"),
    create(3, "<p>secret</p>", to=["https://social.example/users/bob"]),
    create(4, "<p>inside</p>", summary="Careful"),
    {
        "id": f"{ME}/statuses/5/activity",
        "type": "Announce",
        "actor": ME,
        "published": "2024-05-05T10:00:00Z",
        "to": [PUBLIC],
        "object": "https://other.example/users/bob/statuses/7",
    },
    {"id": "x", "type": "Delete", "to": [PUBLIC], "object": "y"},
]
FILES = {
    "actor.json": {"id": ME, "type": "Person", "preferredUsername": "ann"},
    "outbox.json": {"type": "OrderedCollection", "totalItems": len(OUTBOX), "orderedItems": OUTBOX},
    "likes.json": {"type": "OrderedCollection", "orderedItems": ["https://other.example/users/bob/statuses/8"]},
    "bookmarks.json": {
        "type": "OrderedCollection",
        "orderedItems": ["https://other.example/users/bob/statuses/7"],
    },
}
FOLLOWING = "Account address,Show boosts,Notify on new posts,Languages\nbob@other.example,true,false,\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "archive"
    place.mkdir()
    for name, content in FILES.items():
        (place / name).write_text(json.dumps(content))
    (place / "following_accounts.csv").write_text(FOLLOWING)
    return place


def rows(path: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    batches = list(MastodonArchive(path).batches(0))
    return tuple(
        pl.concat([getattr(batch, name) for batch in batches]) for name in ("articles", "events", "rejects")
    )


def test_posts_become_articles_and_actions_become_events(folder: Path) -> None:
    articles, events, rejects = rows(folder)
    posts = {row["id"].rpartition("/")[2]: row for row in articles.iter_rows(named=True)}
    assert set(posts) == {"1", "2", "4"}, "a message to one person stays private"
    assert (posts["1"]["title"], posts["1"]["author"]) == ("Tides & eels", "ann@social.example")
    assert (posts["1"]["entities"], posts["1"]["language"]) == (["eels"], "en")
    assert posts["2"]["reply_to"] == "https://other.example/users/bob/statuses/9"
    assert len(posts["2"]["title"]) <= TITLE_CHARS + 2
    assert posts["4"]["title"] == "Careful"
    acts = events.select("kind", pl.coalesce("subject", pl.col("article").str.split("/").list.last())).rows()
    assert sorted(acts) == [
        ("comment", "9"), ("follow", "bob@other.example"), ("like", "8"), ("save", "7"), ("share", "7"),
    ]  # fmt: skip
    assert events["reader"].unique().to_list() == ["ann@social.example"]
    assert events["problem"].is_null().all()
    assert sorted(rejects["reason"]) == ["activity: neither a post nor a boost", "activity: not public"]


def test_a_table_of_blocks_has_no_header_and_a_like_has_one_id_in_every_archive(folder: Path) -> None:
    (folder / "blocked_accounts.csv").write_text("troll@other.example\n")
    _, first, _ = rows(folder)
    assert first.filter(pl.col("kind") == "mute")["subject"].to_list() == ["troll@other.example"]
    outbox = json.loads((folder / "outbox.json").read_text())
    later = {**outbox["orderedItems"][0], "id": "later", "published": "2026-09-01T00:00:00Z"}
    odd = {**later, "id": "odd", "published": "zzz"}
    (folder / "outbox.json").write_text(
        json.dumps({**outbox, "orderedItems": [*outbox["orderedItems"], later, odd]})
    )
    _, second, _ = rows(folder)
    for kind in ("like", "save", "follow", "mute"):
        ids = [found.filter(pl.col("kind") == kind)["id"].to_list() for found in (first, second)]
        assert ids[0] == ids[1] != []
    times = [found.filter(pl.col("kind") == "like")["at"].item() for found in (first, second)]
    assert times[0] < times[1]


def test_a_link_in_a_packed_archive_is_an_error_in_one_line(tmp_path: Path) -> None:
    link = tarfile.TarInfo("outbox.json")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "archive.tar", "w") as archive:
        archive.addfile(link)
    with pytest.raises(DataError, match=r"lacks actor\.json"):
        MastodonArchive(tmp_path / "archive.tar")


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_a_packed_archive_gives_the_same_rows(folder: Path, tmp_path: Path, form: str) -> None:
    packed = tmp_path / f"archive.{form}"
    names = [*FILES, "following_accounts.csv"]
    if form == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            for name in names:
                archive.write(folder / name, f"archive-2024/{name}")
    else:
        with tarfile.open(packed, "w:gz") as archive:
            for name in names:
                archive.add(folder / name, name)
    for one, other in zip(rows(packed), rows(folder), strict=True):
        assert one.equals(other)


def test_reading_goes_on_at_any_position(folder: Path) -> None:
    archive = MastodonArchive(folder)
    assert [batch.position for batch in archive.batches(0)] == [len(archive._found.rows), archive.total]
    assert [batch.articles.height for batch in archive.batches(len(archive._found.rows))] == [0]
    assert list(archive.batches(archive.total)) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("outbox.json", None, "lacks outbox.json"),
        ("actor.json", "{", "is no JSON"),
        ("actor.json", "{}", "has no id"),
        ("outbox.json", "{}", "no list orderedItems"),
        ("likes.json", "[]", "no JSON object"),
    ],
)
def test_a_broken_archive_is_named(folder: Path, name: str, content: str | None, message: str) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(DataError, match=message):
        MastodonArchive(folder)


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"no archive")
    for path, message in ((tmp_path / "a.tar.gz", "copy it again"), (tmp_path / "b", "does not exist")):
        with pytest.raises(DataError, match=message):
            archive_files(path, ["actor.json"])


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ("https://social.example/users/ann", "ann@social.example"),
        ("https://social.example/@ann", "ann@social.example"),
        ("https://odd.example/users/9/x", "https://odd.example/users/9/x"),
    ],
)
def test_people_have_one_id_as_reader_and_author(actor: str, expected: str) -> None:
    assert address(actor) == expected
