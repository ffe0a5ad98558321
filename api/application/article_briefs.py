"""Use-cases of briefs (TL;DR): one or two sentences of an article, made once per content and kept in memory."""

import threading
from collections.abc import Mapping, Sequence

from api.application.context import Application
from recsys.digest.article_brief import BRIEF_SECONDS, ArticleBrief, article_brief
from recsys.errors import StoreUnavailableError
from recsys.store import articles

_MOST_KEPT = 20_000
"""Briefs in memory, some hundred bytes each."""


class _KeptBriefs:
    """Briefs by content hash: the newest ones. A changed article has another hash."""

    def __init__(self) -> None:
        self._briefs: dict[str, ArticleBrief] = {}
        self._lock = threading.Lock()

    def get(self, tag: str) -> ArticleBrief | None:
        return self._briefs.get(tag)

    def put(self, tag: str, brief: ArticleBrief) -> None:
        with self._lock:
            self._briefs[tag] = brief
            if len(self._briefs) > _MOST_KEPT:
                self._briefs.pop(next(iter(self._briefs)))


_KEPT = _KeptBriefs()


def find_brief(app: Application, article: str, seconds: float = BRIEF_SECONDS) -> ArticleBrief | None:
    """Return the brief of a stored article that is read in `seconds`.

    None if it is unknown, withdrawn or under embargo.
    """
    is_usual = seconds == BRIEF_SECONDS  # and may be in memory, so that its text need not be read
    with app.database.read() as connection:
        names = ("published_at",) if is_usual else ("published_at", *_COLUMNS)
        found = articles.columns_of(connection, names, [article])
    row = next(found.iter_rows(named=True), None)
    if row is None or (row["published_at"] or 0) > app.clock.next():
        return None
    return briefs_of(app, [article]).get(article) if is_usual else _brief(row, seconds)


def briefs_of(app: Application, ids: Sequence[str]) -> Mapping[str, ArticleBrief]:
    """Return the briefs of stored articles by id; unknown and withdrawn ones are left out."""
    with app.database.read() as connection:
        tags = articles.content_hashes(connection, list(ids), only_shown=True)
        known = {id_: kept for id_, tag in tags.items() if (kept := _KEPT.get(tag)) is not None}
        missing = [id_ for id_ in tags if id_ not in known]
        rows = articles.columns_of(connection, _COLUMNS, missing).to_dicts() if missing else []
    for row in rows:
        known[row["id"]] = _brief(row, BRIEF_SECONDS)
        _KEPT.put(tags[row["id"]], known[row["id"]])
    return known


def brief_texts(app: Application, ids: Sequence[str]) -> Mapping[str, str]:
    """Return the briefs of a feed as texts, without empty ones; none while the database is unavailable."""
    try:
        found = briefs_of(app, ids)
    except StoreUnavailableError:
        return {}
    return {id_: brief.text for id_, brief in found.items() if brief.sentences}


_COLUMNS = ("id", "title", "body", "abstract", "language")


def _brief(row: Mapping[str, str | None], seconds: float) -> ArticleBrief:
    return article_brief(row["title"] or "", row["body"], row["abstract"], row["language"], seconds)
