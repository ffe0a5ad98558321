"""Catalogue of articles: columns by the state's dense article ids."""

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.state.flat_arrays import grow
from recsys.state.stories import NO_LINKS, PublicationOrder, Stories, find_stories, have_most_links
from recsys.state.story_keys import NO_KEY, StoryKeys, story_keys
from recsys.state.vocabulary import UNKNOWN, Names, Vocabulary

NEVER = np.iinfo(np.int64).max

MOST_ENTITIES = 8
"""Entities of an article that features and reasons use: the first ones, which sources take from the title."""

FREE_ACCESS = ("free", "open", "public")
"""Values of `access` of articles that everybody may open; with any other value only subscribers may."""


class Catalog:
    """Article columns. The row of an article that is not stored has `category` UNKNOWN and `described` False.

    `authors` are names of authors, and all that readers follow; they are compared exactly, like ids.
    `entity` has the codes of each article's first entities [n, `MOST_ENTITIES`], then `UNKNOWN`; `has_entity`
    knows the others, too.
    `tie_break_hash` is a random number that depends on the article's id only. Dense ids depend on the order of
    arrival, so two folds of one log agree only on ties and draws that use the hash.
    """

    def __init__(self) -> None:
        self.categories = Names()
        self.subcategories = Names()
        self.sources = Names()
        self.authors = Vocabulary()
        self.entities = Names()
        self.titles: list[str] = []
        self.tie_break_hash: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._rows_by_hash: NDArray[np.int64] | None = None
        self.described: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self.category: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.subcategory: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.source: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.author: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.entity: NDArray[np.int32] = np.zeros((0, MOST_ENTITIES), dtype=np.int32)
        self.published: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.expires: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.words: NDArray[np.float64] = np.zeros(0)
        self.title_chars: NDArray[np.float64] = np.zeros(0)
        self.paid: NDArray[np.float64] = np.zeros(0)
        self.url_key: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self.title_key: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self.language_key: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._links = NO_LINKS
        self._lacking: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._stories: Stories | None = None
        self._more_entities: dict[int, list[int]] = {}
        self._more: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def reserve(self, rows: int) -> None:
        """Make room for dense ids below `rows`."""
        self.titles += [""] * (rows - len(self.titles))
        self.tie_break_hash = grow(self.tie_break_hash, rows)
        self.described = grow(self.described, rows)
        self.category = grow(self.category, rows, UNKNOWN)
        self.subcategory = grow(self.subcategory, rows, UNKNOWN)
        self.source = grow(self.source, rows, UNKNOWN)
        self.author = grow(self.author, rows, UNKNOWN)
        self.entity = grow(self.entity, rows, UNKNOWN)
        self.published = grow(self.published, rows, NEVER)
        self.expires = grow(self.expires, rows, NEVER)
        self.words = grow(self.words, rows, np.nan)
        self.title_chars = grow(self.title_chars, rows, np.nan)
        self.paid = grow(self.paid, rows, np.nan)
        self.url_key = grow(self.url_key, rows, NO_KEY)
        self.title_key = grow(self.title_key, rows, NO_KEY)
        self.language_key = grow(self.language_key, rows, NO_KEY)

    def rows_by_tie_break(self, rows: int) -> NDArray[np.int64]:
        """Return the dense ids below `rows` in order of `tie_break_hash`; cached until an article changes."""
        if self._rows_by_hash is None or len(self._rows_by_hash) != rows:
            self._rows_by_hash = np.argsort(self.tie_break_hash[:rows], kind="stable")
        return self._rows_by_hash

    def stories(self) -> Stories:
        """Return which articles tell one story; cached until an article changes."""
        if self._stories is None or len(self._stories.of) != len(self.url_key):
            keys = StoryKeys(self.url_key, self.title_key, self.language_key)
            self._stories = find_stories(keys, self.publication_order, NEVER, self._links)
        return self._stories

    def has_entity(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the mask of articles [all] with one of the entities `codes`."""
        wanted = np.zeros(len(self.entities) + 1, dtype=np.bool_)
        wanted[codes] = True
        wanted[UNKNOWN] = False
        found = np.zeros(len(self.entity), dtype=np.bool_)
        for column in self.entity.T:
            found |= wanted[column]
        if self._more is None:
            counts = [len(more) for more in self._more_entities.values()]
            rows = np.repeat(np.fromiter(self._more_entities, dtype=np.int64, count=len(counts)), counts)
            self._more = (
                rows,
                np.asarray([code for more in self._more_entities.values() for code in more], np.int64),
            )
        rows, more = self._more
        found[rows[wanted[more]]] = True
        return found

    @property
    def publication_order(self) -> PublicationOrder:
        """Order in which the articles were published."""
        return PublicationOrder(self.published, self.tie_break_hash)

    @property
    def links(self) -> NDArray[np.int64]:
        """Pairs of articles on one news event [l, 2]."""
        return self._links

    def link(self, rows: NDArray[np.int64], links: NDArray[np.int64]) -> None:
        """Replace the links of `rows` [n] with other articles on one news event by `links` [l, 2].

        The nearest links of an article are kept.
        """
        before = self._links
        others = before[~np.isin(before, rows).any(axis=1)]
        if len(links) or len(others) != len(before):
            self._links = self.publication_order.nearest(np.concatenate((others, links)))
            self._stories = None
        if len(others) != len(before):
            full, still = (have_most_links(each, len(self.published)) for each in (before, self._links))
            self._lacking = np.union1d(self._lacking, np.flatnonzero(full & ~still))
        if len(self._lacking):
            self._lacking = np.setdiff1d(self._lacking, rows)

    @property
    def lacking_links(self) -> NDArray[np.int64]:
        """Articles [n] that had the most links and lost one, so that the next nearest is not known."""
        return self._lacking

    def take_links(self, before: "Catalog", new_rows: NDArray[np.int64]) -> None:
        """Take the links of another catalogue, whose row r is `new_rows[r]` here; negative rows are left out.

        Links of an article that has another time of publication here are left out, too.
        """
        moved = new_rows[before.links]
        known = (moved >= 0).all(axis=1) & (before.published[before.links] == self.published[moved]).all(axis=1)
        self.link(new_rows[new_rows >= 0], moved[known])
        full = np.flatnonzero(have_most_links(before.links, len(before.published)))
        expected = new_rows[np.union1d(full, before.lacking_links)]
        still = have_most_links(self._links, len(self.published))
        self._lacking = np.unique(expected[(expected >= 0) & ~still[expected]])

    def upsert(self, rows: NDArray[np.int64], articles: pl.DataFrame) -> None:
        """Set the columns of `rows` [n] from `articles` (n rows, columns of `frames.ARTICLES`).

        Links of an article with another time of publication are dropped, until `link` sets them again.
        """
        moved = self.published[rows] != articles["published_at"].fill_null(NEVER).to_numpy()
        self.link(rows[moved], NO_LINKS)
        self._rows_by_hash = self._stories = None
        self.described[rows] = True
        self.tie_break_hash[rows] = [_tie_break_hash(id_) for id_ in articles["id"].to_list()]
        for row, title in zip(rows.tolist(), articles["title"].to_list(), strict=True):
            self.titles[row] = title
        self.category[rows] = _codes(self.categories, articles["category"])
        self.subcategory[rows] = _codes(self.subcategories, articles["subcategory"])
        self.source[rows] = _codes(self.sources, articles["source"])
        self.author[rows] = _codes(self.authors, articles["author"])
        self._set_entities(rows.tolist(), articles["entities"])
        self.published[rows] = articles["published_at"].fill_null(NEVER).to_numpy()
        self.expires[rows] = articles["expires_at"].fill_null(NEVER).to_numpy()
        self.words[rows] = articles["word_count"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        self.title_chars[rows] = articles["title"].str.len_chars().cast(pl.Float64).to_numpy()
        access = articles["access"].str.strip_chars().str.to_lowercase()
        paid = (~access.is_in(FREE_ACCESS)).cast(pl.Float64)
        self.paid[rows] = paid.fill_null(np.nan).to_numpy()
        self.url_key[rows], self.title_key[rows], self.language_key[rows] = story_keys(articles)

    def _set_entities(self, rows: list[int], column: pl.Series) -> None:
        """Set the entities of `rows` from the lists in `column`, without repetitions."""
        codes = self.entities.intern(column.explode().drop_nulls().to_list()).tolist()
        counts = column.list.drop_nulls().list.len().fill_null(0).to_list()
        self.entity[rows], self._more = UNKNOWN, None
        start = 0
        for row, count in zip(rows, counts, strict=True):
            self._more_entities.pop(row, None)
            different = list(dict.fromkeys(codes[start : start + count]))
            self.entity[row, : len(different)] = different[:MOST_ENTITIES]
            if len(different) > MOST_ENTITIES:
                self._more_entities[row] = different[MOST_ENTITIES:]
            start += count

    def delete(self, rows: NDArray[np.int64]) -> None:
        """Reset `rows` to the values of articles that are not stored."""
        self.link(rows, NO_LINKS)
        self._rows_by_hash = self._stories = None
        self._more = None
        for row in rows.tolist():
            self.titles[row] = ""
            self._more_entities.pop(row, None)
        for column, nothing in (
            (self.described, False),
            (self.tie_break_hash, 0),
            (self.category, UNKNOWN),
            (self.subcategory, UNKNOWN),
            (self.source, UNKNOWN),
            (self.author, UNKNOWN),
            (self.entity, UNKNOWN),
            (self.published, NEVER),
            (self.expires, NEVER),
            (self.words, np.nan),
            (self.title_chars, np.nan),
            (self.paid, np.nan),
            (self.url_key, NO_KEY),
            (self.title_key, NO_KEY),
            (self.language_key, NO_KEY),
        ):
            column[rows] = nothing


def _tie_break_hash(id_: str) -> int:
    return int.from_bytes(hashlib.blake2b(id_.encode(), digest_size=8).digest(), "little")


def _codes(vocabulary: Vocabulary, column: pl.Series) -> NDArray[np.int32]:
    codes = np.full(column.len(), UNKNOWN, dtype=np.int32)
    present = column.is_not_null().to_numpy()
    codes[present] = vocabulary.intern(column.drop_nulls().to_list())
    return codes
