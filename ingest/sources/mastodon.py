"""Archives of a Mastodon account: posts, replies, boosts, favourites, bookmarks and follows.

An archive is what Mastodon's export makes: actor.json, outbox.json, likes.json and bookmarks.json (ActivityStreams
JSON) in one .tar.gz or .zip file, or unpacked in a folder. following_accounts.csv, muted_accounts.csv and
blocked_accounts.csv are exported one by one and count if they lie beside them. People have one id, as reader and
as author: name@host.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ingest import generic_schema, reasons
from ingest.generic_schema import DEFAULT, Reading
from ingest.markup import plain_text
from ingest.raw_batch import RAW_CHARS, Batch, reject, rejects_frame
from ingest.reasons import reason
from ingest.sources.archive_files import archive_files
from ingest.sources.source import fingerprint
from recsys.errors import DataError

PUBLIC = ("https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public")
TITLE_CHARS = 120
"""Posts have no headline: the title is the beginning of the text, cut after a word."""

_ROWS = 10_000
_HEADER = "Account address"
_ACTOR = re.compile(r"https?://([^/]+)/(?:users/|@)([^/]+)/?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_LISTS = {"likes.json": "favourite", "bookmarks.json": "bookmark"}
_TABLES = {"following_accounts.csv": "follow", "muted_accounts.csv": "mute", "blocked_accounts.csv": "block"}
FILES = ("actor.json", "outbox.json", *_LISTS, *_TABLES)

Row = dict[str, object]


@dataclass(slots=True)
class _Found:
    """Rows of an archive by kind, each with its place, and the rejected ones.

    newest: time of the newest public activity before `until`, the time of reading.
    """

    rows: list[tuple[str, Row, tuple[str, int, str]]] = field(default_factory=list)
    rejects: list[dict[str, object]] = field(default_factory=list)
    newest: str | None = None
    until: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")


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
        self.total = len(self._found.rows) + len(self._found.rejects)

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield batches of rows; the last one has the rows that are not stored."""
        rows = self._found.rows
        for first in range(min(start, len(rows)), len(rows), _ROWS):
            yield _batch(min(first + _ROWS, len(rows)), rows[first : first + _ROWS], self._reading)
        if self._found.rejects and start < self.total:
            yield Batch(self.total, rejects=rejects_frame(self._found.rejects))


def address(actor: str) -> str:
    """Return name@host of the address of an actor; an address of another form stays as it is."""
    found = _ACTOR.fullmatch(actor)
    return f"{found[2]}@{found[1]}" if found else actor


def _read(path: Path, texts: Mapping[str, bytes]) -> _Found:
    actor = _parsed(path, "actor.json", texts)
    if not isinstance(actor.get("id"), str):
        raise DataError(f"{path}: actor.json has no id; export the archive again")
    me = address(actor["id"])
    found = _Found()
    for number, activity in enumerate(_items(path, "outbox.json", texts), start=1):
        _activity(found, me, number, activity)
    for name, kind in _LISTS.items():
        if name in texts:
            for number, article in enumerate(_items(path, name, texts), start=1):
                row = _undated(me, kind, found.newest, article=article)
                _add(found, "events", row, name, number, article)
    for name, kind in _TABLES.items():
        if name in texts:
            for number, line in enumerate(_addresses(path, name, texts), start=2):
                row = _undated(me, kind, found.newest, subject=line)
                _add(found, "events", row, name, number, line)
    return found


def _activity(found: _Found, me: str, number: int, activity: object) -> None:
    """Add the rows of one activity: a post, with a comment if it replies; or a boost."""
    place = "outbox.json", number
    if not isinstance(activity, dict):
        found.rejects.append(_rejected(*place, reasons.NO_OBJECT, activity))
        return
    made, at = activity.get("object"), activity.get("published")
    if not _is_public(activity):
        found.rejects.append(_rejected(*place, reasons.NOT_PUBLIC, activity.get("id")))
        return
    if isinstance(at, str) and _TIME.fullmatch(at) and at < found.until:
        found.newest = max(found.newest or at, at)
    if activity.get("type") == "Announce" and isinstance(made, str):
        _add(found, "events", _event(me, "boost", at, article=made, id=activity.get("id")), *place, activity)
    elif activity.get("type") == "Create" and isinstance(made, dict):
        _add(found, "articles", _post(me, made), *place, activity)
        if isinstance(above := made.get("inReplyTo"), str):
            _add(found, "events", _event(me, "reply", at, article=above, id=made.get("id")), *place, activity)
    else:
        found.rejects.append(_rejected(*place, reasons.NO_POST, activity.get("type")))


def _is_public(activity: Mapping[str, Any]) -> bool:
    """Return False for messages to followers or to single people: they must not reach a feed."""
    readers = [activity.get(name) or [] for name in ("to", "cc")]
    return any(one in PUBLIC for many in readers for one in (many if isinstance(many, list) else [many]))


def _post(me: str, note: Mapping[str, Any]) -> Row:
    content = note.get("content")
    text = plain_text(content) if isinstance(content, str) else ""
    languages, tags = note.get("contentMap"), note.get("tag")
    names = [tag.get("name") for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []
    summary = note.get("summary")
    row: Row = {
        "id": note.get("id"),
        "title": summary if isinstance(summary, str) and summary.strip() else _begin(text),
        "body": content,
        "author": me,
        "published_at": note.get("published"),
        "url": note.get("url"),
        "language": next(iter(languages), None) if isinstance(languages, dict) else None,
        "entities": [name.removeprefix("#") for name in names if isinstance(name, str) and name.startswith("#")],
        "reply_to": note.get("inReplyTo"),
    }
    return {name: value for name, value in row.items() if value is not None}


def _begin(text: str) -> str:
    """Return the beginning of a text as a title; a post of pictures only has a sign for it."""
    line = " ".join(text.split())
    if len(line) <= TITLE_CHARS:
        return line or "…"
    return line[:TITLE_CHARS].rpartition(" ")[0] + " …" if " " in line[:TITLE_CHARS] else line[:TITLE_CHARS]


def _event(me: str, kind: str, at: object, **fields: object) -> Row:
    row = {"reader": me, "kind": kind, "at": at, **fields}
    return {name: value for name, value in row.items() if value is not None}


def _undated(me: str, kind: str, at: object, **fields: object) -> Row:
    """Return an event whose own time is not known, so that its id must not depend on `at`.

    It has the same id in every archive of the account. `content_ids.event_id` is for checked values only.
    """
    content = json.dumps([me, kind, fields], default=str).encode()
    return _event(me, kind, at, id=hashlib.blake2b(content, digest_size=16).hexdigest(), **fields)


def _add(found: _Found, kind: str, row: Row, file: str, number: int, raw: object) -> None:
    found.rows.append((kind, row, (file, number, _shown(raw))))


def _rejected(file: str, number: int, problem: str, raw: object) -> dict[str, object]:
    return reject(file, number, "unrecognised", reason("activity", problem), _shown(raw))


def _shown(raw: object) -> str:
    return json.dumps(raw, ensure_ascii=False, default=str)[:RAW_CHARS]


def _batch(position: int, rows: list[tuple[str, Row, tuple[str, int, str]]], reading: Reading) -> Batch:
    made = {}
    for kind in ("articles", "events"):
        chosen = [(row, place) for of, row, place in rows if of == kind]
        schema = {"file": pl.String, "row": pl.Int64, "raw": pl.String}
        places = pl.DataFrame([place for _, place in chosen], schema=schema, orient="row")
        made[kind] = generic_schema.from_rows([row for row, _ in chosen], places, kind, reading)
    return Batch(
        position,
        made["articles"].rows,
        made["events"].rows,
        lost=pl.concat([raw.lost for raw in made.values()]),
    )


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
