"""Archives of a Mastodon account: posts, replies, boosts, favourites, bookmarks and follows.

An archive is what Mastodon's export makes: actor.json, outbox.json, likes.json and bookmarks.json (ActivityStreams
JSON) in one .tar.gz or .zip file, or unpacked in a folder. following_accounts.csv, muted_accounts.csv and
blocked_accounts.csv are exported one by one and count if they lie beside them. People have one id, as reader and
as author: name@host.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ingest import reasons
from ingest.generic_schema import DEFAULT, Reading
from ingest.markup import plain_text
from ingest.raw_batch import Batch
from ingest.sources.archive_files import archive_files
from ingest.sources.social_rows import Row, SocialRows, event_row, post_title, undated_event
from ingest.sources.source import fingerprint
from recsys.errors import DataError

PUBLIC = ("https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public")
_HEADER = "Account address"
_ACTOR = re.compile(r"https?://([^/]+)/(?:users/|@)([^/]+)/?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_LISTS = {"likes.json": "favourite", "bookmarks.json": "bookmark"}
_TABLES = {"following_accounts.csv": "follow", "muted_accounts.csv": "mute", "blocked_accounts.csv": "block"}
FILES = ("actor.json", "outbox.json", *_LISTS, *_TABLES)


class MastodonArchive:
    """Source of one archive; positions are rows."""

    name = "mastodon"

    def __init__(self, path: Path, reading: Reading = DEFAULT) -> None:
        """Read the archive.

        Raises:
            DataError: it does not exist, is damaged, or lacks actor.json or outbox.json.
        """
        texts = archive_files(path, FILES)
        for name in FILES[:2]:
            if name not in texts:
                raise DataError(f"{path} lacks {name}: give the archive of a Mastodon account, packed or unpacked")
        files = [path] if path.is_file() else [path / name for name in FILES if (path / name).is_file()]
        self.fingerprint = fingerprint(reading.job_name(self.name), files)
        self._reading = reading
        self._found = _read(path, texts)
        self.total = self._found.total

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield batches of rows; the last one has the rows that are not stored."""
        yield from self._found.batches(start, self._reading)


def address(actor: str) -> str:
    """Return name@host of the address of an actor; an address of another form stays as it is."""
    found = _ACTOR.fullmatch(actor)
    return f"{found[2]}@{found[1]}" if found else actor


def _read(path: Path, texts: Mapping[str, bytes]) -> SocialRows:
    actor = _parsed(path, "actor.json", texts)
    if not isinstance(actor.get("id"), str):
        raise DataError(f"{path}: actor.json has no id; export the archive again")
    me = address(actor["id"])
    found = SocialRows()
    for number, activity in enumerate(_items(path, "outbox.json", texts), start=1):
        _activity(found, me, number, activity)
    for name, kind in _LISTS.items():
        if name in texts:
            for number, article in enumerate(_items(path, name, texts), start=1):
                row = undated_event(me, kind, found.newest, article=article)
                found.add("events", row, (name, number), article)
    for name, kind in _TABLES.items():
        if name in texts:
            for number, line in enumerate(_addresses(path, name, texts), start=2):
                row = undated_event(me, kind, found.newest, subject=line)
                found.add("events", row, (name, number), line)
    return found


def _activity(found: SocialRows, me: str, number: int, activity: object) -> None:
    """Add the rows of one activity: a post, with a comment if it replies; or a boost."""
    place = "outbox.json", number
    if not isinstance(activity, dict):
        found.reject(place, reasons.NO_OBJECT, activity)
        return
    made, at = activity.get("object"), activity.get("published")
    if not _is_public(activity):
        found.reject(place, reasons.NOT_PUBLIC, activity.get("id"))
        return
    if isinstance(at, str) and _TIME.fullmatch(at):
        found.note_time(at)
    if activity.get("type") == "Announce" and isinstance(made, str):
        found.add("events", event_row(me, "boost", at, article=made, id=activity.get("id")), place, activity)
    elif activity.get("type") == "Create" and isinstance(made, dict):
        found.add("articles", _post(me, made), place, activity)
        if isinstance(above := made.get("inReplyTo"), str):
            found.add("events", event_row(me, "reply", at, article=above, id=made.get("id")), place, activity)
    else:
        found.reject(place, reasons.NO_POST, activity.get("type"))


def _is_public(activity: Mapping[str, Any]) -> bool:
    """Return False for messages to followers or to single people: they must not reach a feed."""
    readers = [activity.get(name) or [] for name in ("to", "cc")]
    return any(one in PUBLIC for many in readers for one in (many if isinstance(many, list) else [many]))


def _post(me: str, note: Mapping[str, Any]) -> Row:
    content = note.get("content")
    text = plain_text(content) if isinstance(content, str) else ""
    languages, tags = note.get("contentMap"), note.get("tag")
    names = [tag.get("name") for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []
    return {
        "id": note.get("id"),
        "title": post_title(note.get("summary"), text),
        "body": content,
        "author": me,
        "published_at": note.get("published"),
        "url": note.get("url"),
        "language": next(iter(languages), None) if isinstance(languages, dict) else None,
        "entities": [name.removeprefix("#") for name in names if isinstance(name, str) and name.startswith("#")],
        "reply_to": note.get("inReplyTo"),
    }


def _items(path: Path, name: str, texts: Mapping[str, bytes]) -> list[object]:
    items = _parsed(path, name, texts).get("orderedItems")
    if not isinstance(items, list):
        raise DataError(f"{path}: {name} has no list orderedItems; export the archive again")
    return items


def _parsed(path: Path, name: str, texts: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        found = json.loads(texts[name])
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {name} is no JSON ({error}); export the archive again") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: {name} is no JSON object; export the archive again")
    return found


def _addresses(path: Path, name: str, texts: Mapping[str, bytes]) -> list[str]:
    """Return the first column of a table of accounts, without its header; tables of blocks have none."""
    lines = csv.reader(io.StringIO(texts[name].decode("utf-8-sig", errors="replace")))
    try:
        found = [line[0].strip() for line in lines if line and line[0].strip()]
    except csv.Error as error:
        raise DataError(f"{path}: {name} is no table ({error}); export the archive again") from error
    return found[1:] if found[:1] == [_HEADER] else found
