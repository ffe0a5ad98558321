"""Stories: which articles are copies of each other or tell one news event, by the state's dense article ids."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import DAY
from recsys.state.story_keys import NO_KEY, StoryKeys

SAME_TITLE_WITHIN = 3 * DAY
"""Articles of one title are copies if they were published so soon after the first one: series go on."""

Keys = NDArray[np.uint64]
Rows = NDArray[np.int64]

NO_LINKS: Rows = np.zeros((0, 2), dtype=np.int64)

MOST_LINKS = 100
"""Earlier articles that one is linked with: thousands with one template of a title have millions of pairs."""


@dataclass(frozen=True, slots=True)
class PublicationOrder:
    """Order in which articles were published.

    published: times of all articles [all]. tie_break: order of articles of one time [all].
    """

    published: NDArray[np.int64]
    tie_break: NDArray[np.integer]

    def sort(self, articles: Rows) -> Rows:
        """Return `articles` [n] in order."""
        return np.asarray(articles[np.lexsort((self.tie_break[articles], self.published[articles]))])

    def of_links(self, links: Rows) -> tuple[Rows, Rows, Rows]:
        """Return the linked articles [m] in order, and the later and the earlier place there of each pair [n].

        links: pairs of articles [l, 2], some of them twice. Pairs are sorted by the later place, then the earlier.
        """
        articles = self.sort(np.unique(links))
        place = np.empty(len(self.published), dtype=np.int64)
        place[articles] = np.arange(len(articles))
        places = np.sort(place[links], axis=1)
        later, earlier = np.divmod(np.unique(places[:, 1] * len(articles) + places[:, 0]), max(len(articles), 1))
        return articles, later, earlier

    def nearest(self, links: Rows) -> Rows:
        """Return those of `links` [l, 2] that link an article with the `MOST_LINKS` articles just before it.

        The later article of each comes first.
        """
        articles, later, earlier = self.of_links(links)
        later, earlier = latest(later, earlier)
        return np.column_stack((articles[later], articles[earlier]))


def latest(later: Rows, earlier: Rows, room: Rows | None = None) -> tuple[Rows, Rows]:
    """Return the last `MOST_LINKS` of `earlier` [l] for each place of `later` [l], or as many as have `room` [l].

    The pairs are sorted by `later`, then by `earlier`.
    """
    behind = np.searchsorted(later, later, side="right") - np.arange(len(later))
    kept = behind <= (MOST_LINKS if room is None else room)
    return later[kept], earlier[kept]


def have_most_links(links: Rows, articles: int) -> NDArray[np.bool_]:
    """Return True for each article below `articles` [all] that `links` [l, 2] link with the most earlier ones.

    links: as `PublicationOrder.nearest` returns them.
    """
    return np.asarray(np.bincount(links[:, 0], minlength=articles) >= MOST_LINKS)


@dataclass(frozen=True, slots=True)
class Stories:
    """Stories of all articles.

    of: the story of each article [all], a dense article id of one of its copies. copies: the articles [c] that
    share their story with another one, those of a story side by side; there are few. shared: True for them [all].
    """

    of: Rows
    copies: Rows
    shared: NDArray[np.bool_]

    def copies_of(self, row: int) -> Rows:
        """Return the other articles of the story of `row`."""
        same = np.equal(self.of[self.copies], self.of[row]) & (self.copies != row)
        return np.asarray(self.copies[same])

    def with_copies(self, rows: Rows) -> Rows:
        """Return `rows` and all copies of them."""
        if not len(self.copies) or not len(rows):
            return rows
        return np.append(rows, self.copies[np.isin(self.of[self.copies], self.of[rows])])


def find_stories(keys: StoryKeys, order: PublicationOrder, never: int, links: Rows = NO_LINKS) -> Stories:
    """Group articles [all] by their keys, by time of publication (`never`: unknown) for titles, and by `links`.

    links: pairs of articles on one news event [l, 2], both published at a known time. Copies of copies are copies,
    but an article on a news event must be linked with the first one. The result depends on the articles only, not
    on the order of their arrival.
    """
    titles = _by_language(keys.title, keys.language)
    published = order.published
    groups = [_grouped(keys.url), _grouped(_windows(titles, published, never))]
    if len(links):
        groups.append(_news_events(links, order))
    story = np.arange(len(published))
    while True:
        before = story
        for rows, codes in groups:
            first = np.full(codes.max(initial=-1) + 1, len(published), dtype=np.int64)
            np.minimum.at(first, codes, story[rows])
            story = story.copy()
            story[rows] = first[codes]
        if np.array_equal(story, before):
            break
    together = np.bincount(story, minlength=len(story))[story] > 1
    copies = np.flatnonzero(together)
    return Stories(story, copies[np.argsort(story[copies], kind="stable")], together)


def _grouped(keys: Keys) -> tuple[Rows, Rows]:
    """Return the rows [m] whose key another row has too, and the number of their group [m]."""
    present = np.flatnonzero(keys != NO_KEY)
    _, codes, counts = np.unique(keys[present], return_inverse=True, return_counts=True)
    shared = counts[codes] > 1
    return present[shared], codes[shared].astype(np.int64)


def _news_events(links: Rows, order: PublicationOrder) -> tuple[Rows, Rows]:
    """Return linked articles [m] and the number of their news event [m].

    In order of publication, an article joins the news event of the earliest article that began one and that it is
    linked with, or begins one itself: chains of links do not join what happened on different days.
    """
    articles, later, earlier = order.of_links(links)
    event = np.arange(len(articles))
    joining, starts = np.unique(later, return_index=True)
    for number, linked in zip(joining.tolist(), np.split(earlier, starts[1:]), strict=True):
        begun = linked[event[linked] == linked]
        event[number] = begun[0] if len(begun) else number
    return articles, event


def _by_language(titles: Keys, languages: Keys) -> Keys:
    """Return keys [all] of title and language.

    An article without a language has that of the others with its title, if they agree: it is not given, or was not
    sure, for one copy and is for another.
    """
    rows, codes = _grouped(titles)
    known = languages[rows]
    largest = np.iinfo(np.uint64).max
    least = np.full(codes.max(initial=-1) + 1, largest, dtype=np.uint64)
    np.minimum.at(least, codes, np.where(known == NO_KEY, np.uint64(largest), known))
    most = np.full(len(least), NO_KEY, dtype=np.uint64)
    np.maximum.at(most, codes, known)
    shared = (known == NO_KEY) & (least == most)[codes]
    keys = titles.copy()
    keys[rows] ^= np.where(shared, most[codes], known)  # of two hashes: as good as a hash of both
    return keys


def _windows(titles: Keys, published: NDArray[np.int64], never: int) -> Keys:
    """Return keys [all] of title and time: a span of `SAME_TITLE_WITHIN` begins with its first article."""
    rows, codes = _grouped(np.where(published == never, NO_KEY, titles))
    order = np.lexsort((published[rows], codes))
    windows = np.full(len(titles), NO_KEY, dtype=np.uint64)
    window, begun, title = NO_KEY, 0, -1
    for row, code, at in zip(*(part[order].tolist() for part in (rows, codes, published[rows])), strict=True):
        if code != title or at - begun > SAME_TITLE_WITHIN:
            window, begun, title = window + 1, at, code
        windows[row] = window
    return windows
