"""Names that publishers give to Attune's fields: `pubDate`, `section`, `user_id` and so on."""

import difflib
import re
from collections.abc import Collection
from functools import cache
from typing import Literal

from recsys.domain import Article, Event, Slate
from recsys.records import fields_of

Kind = Literal["events", "articles", "impressions"]
"""Kind of a row."""

RECORDS: dict[str, type] = {"articles": Article, "events": Event, "impressions": Slate}
"""Kinds of rows, and the records they become."""

_ALIASES: dict[str, dict[str, tuple[str, ...]]] = {
    "articles": {
        "id": ("articleid", "itemid", "newsid", "guid"),
        "title": ("headline",),
        "abstract": ("summary", "description", "subtitle", "teaser", "lead", "standfirst", "excerpt"),
        "body": ("text", "content", "fulltext", "articlebody"),
        "category": ("section", "topic", "channel"),
        "subcategory": ("subsection",),
        "entities": ("tags", "keywords"),
        "source": ("publisher", "outlet"),
        "author": ("byline", "creator", "authors"),
        "language": ("lang",),
        "published_at": (
            "date",
            "published",
            "pubdate",
            "datepublished",
            "publicationdate",
            "publishdate",
            "createdat",
        ),
        "url": ("link", "permalink", "href"),
        "word_count": ("words", "numwords"),
        "image_url": ("image", "thumbnail"),
        "expires_at": ("expires", "expirationdate", "validuntil"),
        "thread": ("threadid",),
        "reply_to": ("inreplyto",),
    },
    "events": {
        "id": ("eventid",),
        "reader": ("user", "userid", "readerid", "visitorid", "visitor", "clientid"),
        "kind": ("event", "eventtype", "type", "action", "feedbacktype"),
        "article": ("articleid", "item", "itemid", "newsid", "contentid"),
        "at": ("time", "timestamp", "datetime", "eventtime", "createdat", "date", "ts"),
        "value": ("seconds", "dwell", "dwelltime", "readtime"),
        "request_id": ("impressionid", "slateid"),
        "position": ("rank",),
        "session": ("sessionid",),
        "device": ("devicetype",),
    },
    "impressions": {
        "id": ("impressionid", "slateid"),
        "reader": ("user", "userid", "readerid", "visitorid", "visitor", "clientid"),
        "at": ("time", "timestamp", "datetime", "createdat", "date", "ts"),
        "candidates": ("articles", "items", "shown", "inview"),
        "session": ("sessionid",),
        "device": ("devicetype",),
    },
}
"""Other names of fields, by kind, in lower case and without marks."""

_MARKS = re.compile(r"[\s_\-.]+")
_LIKENESS = 0.7
_MOST_CACHED = 10_000


class CanonicalNames:
    """The fields of one kind by the names that columns have."""

    def __init__(self, kind: str) -> None:
        fields = [field.name for field in fields_of(RECORDS[kind])]
        self._fields = {_plain(name): name for name in fields}
        for name, aliases in _ALIASES[kind].items():
            self._fields |= dict.fromkeys(aliases, name)
        self._cache: dict[str, str | None] = {name: name for name in fields}

    def of(self, column: str) -> str | None:
        """Return the field of a column, None if it has none."""
        if column in self._cache:
            return self._cache[column]
        field = self._fields.get(_plain(column))
        if len(self._cache) < _MOST_CACHED:
            self._cache[column] = field
        return field

    def nearest(self, column: str) -> str | None:
        """Return the field whose name is most like that of a column, None if none is like it."""
        found = difflib.get_close_matches(_plain(column), self._fields, n=1, cutoff=_LIKENESS)
        return self._fields[found[0]] if found else None


@cache
def canonical_names(kind: str) -> CanonicalNames:
    """Return the names of the fields of `kind`."""
    return CanonicalNames(kind)


_TELLTALE: dict[str, Kind] = {"candidates": "impressions", "kind": "events", "title": "articles"}


def kind_of(names: Collection[str]) -> Kind | None:
    """Return the kind of rows by the columns present; None if they fit no kind. Exact names go first."""
    for field, kind in _TELLTALE.items():  # no set is made: streams call this for every row
        if field in names:
            return kind
    for field in ("title", "candidates", "kind"):
        kind = _TELLTALE[field]
        if any(canonical_names(kind).of(name) == field for name in names):
            return kind
    return None


def _plain(name: str) -> str:
    return _MARKS.sub("", name).lower()
