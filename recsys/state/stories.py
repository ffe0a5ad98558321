"""Stories: which articles are copies of each other or tell one event, by the state's dense article ids."""

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


def find_stories(
    keys: StoryKeys,
    published: NDArray[np.int64],
    never: int,
    links: Rows = NO_LINKS,
    tie_break: NDArray[np.uint64] | None = None,
) -> Stories:
    """Group articles [all] by their keys, by time of publication (`never`: unknown) for titles, and by `links`.

    links: pairs of articles on one event [l, 2], both published at a known time. tie_break: order of articles of
    one time [all]. Copies of copies are copies, but an article on an event must be linked with the first one.
    The result depends on the articles only, not on the order of their arrival.
    """
    titles = _by_language(keys.title, keys.language)
    groups = [_grouped(keys.url), _grouped(_windows(titles, published, never))]
    if len(links):
        order = np.arange(len(published)) if tie_break is None else tie_break
        groups.append(_events(links, published, order))
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


def _events(links: Rows, published: NDArray[np.int64], tie_break: NDArray[np.integer]) -> tuple[Rows, Rows]:
    """Return linked articles [m] and the number of their event [m].

    In order of publication, an article joins the event of the earliest article that began one and that it is
    linked with, or begins one itself: chains of links do not join what happened on different days.
    """
    articles = np.unique(links)
    articles = articles[np.lexsort((tie_break[articles], published[articles]))]
    place = {row: number for number, row in enumerate(articles.tolist())}
    linked: dict[int, list[int]] = {}
    for one, other in links.tolist():
        linked.setdefault(place[one], []).append(place[other])
        linked.setdefault(place[other], []).append(place[one])
    event: list[int] = []
    for number in range(len(articles)):
        begun = (other for other in linked[number] if other < number and event[other] == other)
        event.append(min(begun, default=number))
    return articles, np.asarray(event, dtype=np.int64)


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
