"""Follows and conversations of the folded state, against plain sets and loops."""

from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recsys.domain import Article, Event, EventKind
from recsys.frames import SLATES, articles_frame, empty, events_frame
from recsys.state import snapshot
from recsys.state.conversations import Conversations
from recsys.state.live_state import LiveState
from recsys.state.snapshot import Watermark
from tests.unit.state.logs import START

PEOPLE = ("ann", "bob", "cem", "sport")
KINDS = (EventKind.FOLLOW, EventKind.FOCUS, EventKind.UNFOLLOW, EventKind.MUTE)
changes = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.sampled_from(KINDS)), max_size=25
)


def log_of(changed: list[tuple[str, str, EventKind]]) -> list[Event]:
    return [
        Event(id=f"{i:03}", reader=reader, kind=kind, at=START + i, known_at=START + i, subject=subject)
        for i, (reader, subject, kind) in enumerate(changed)
    ]


def followed(state: LiveState) -> set[tuple[str, str]]:
    names = state.catalog.authors.strings
    return {
        (reader, names[code])
        for row, reader in enumerate(state.readers.strings)
        for code in state.follows.subjects_of(row).tolist()
    }


@given(changes, st.integers(0, 25))
def test_the_last_change_of_a_pair_holds_however_the_log_is_cut(
    changed: list[tuple[str, str, EventKind]], cut: int
) -> None:
    expected: set[tuple[str, str]] = set()
    for reader, subject, kind in changed:
        if kind in (EventKind.FOLLOW, EventKind.FOCUS):
            expected.add((reader, subject))
        elif kind is EventKind.UNFOLLOW:
            expected.discard((reader, subject))
    log = log_of(changed)
    framed, few = LiveState(), LiveState()
    for part in (log[:cut], log[cut:]):
        framed.apply(framed.encode(events_frame(part), empty(SLATES)))
        assert len(followed(framed)) >= 0  # a question between the parts merges the changes so far
        few.apply(few.encode_few(part, []))
    assert followed(framed) == followed(few) == expected
    rows, codes = np.arange(len(framed.readers)), np.arange(len(framed.catalog.authors))
    matrix = framed.follows.follows(rows[:, None], codes[None, :])
    assert matrix.sum() == len(expected)
    assert framed.follows.follower_counts(codes).tolist() == matrix.sum(axis=0).tolist()
    for code in codes.tolist():
        assert framed.follows.followers_of(code).tolist() == np.flatnonzero(matrix[:, code]).tolist()


@given(changes)
def test_a_batch_splits_at_a_time(changed: list[tuple[str, str, EventKind]]) -> None:
    whole, parted = LiveState(), LiveState()
    whole.apply(whole.encode(events_frame(log_of(changed)), empty(SLATES)))
    for part in parted.encode(events_frame(log_of(changed)), empty(SLATES)).split(START + 5):
        parted.apply(part)
    assert followed(whole) == followed(parted)


def test_follows_survive_a_snapshot(tmp_path: Path) -> None:
    state = LiveState()
    state.apply(state.encode_few(log_of([("ann", "bob", EventKind.FOLLOW), ("bob", "ann", EventKind.FOLLOW)]), []))
    snapshot.save(state, Watermark(2, state.known_at, "001"), tmp_path / "s")
    loaded, _ = snapshot.load(tmp_path / "s")
    assert followed(loaded) == {("ann", "bob"), ("bob", "ann")}
    assert loaded.follows.followers_of(loaded.catalog.authors.get("bob")).tolist() == [loaded.readers.get("ann")]


@given(st.lists(st.integers(-1, 14), min_size=1, max_size=15))
def test_roots_and_depths_match_a_plain_walk(above: list[int]) -> None:
    above = [parent if parent < len(above) else -1 for parent in above]
    talk = Conversations()
    talk.reserve(len(above))
    talk.set(np.arange(len(above)), np.asarray(above), np.full(len(above), -1))
    for row in range(len(above)):
        at, depth = row, 0
        while above[at] >= 0 and depth < 64:  # replies may run in a circle
            at, depth = above[at], depth + 1
        assert (talk.roots()[row], talk.depths()[row]) == (at, depth)


def test_posts_join_a_thread_in_any_order_of_arrival() -> None:
    posts = [
        Article(id="root", title="Root", author="ann"),
        Article(id="reply", title="Reply", author="bob", reply_to="root"),
        Article(id="named", title="Named", author="cem", reply_to="lost", thread="root"),
        Article(id="other", title="Other", author="cem"),
    ]
    for order in (posts, posts[::-1]):
        state = LiveState()
        for post in order:
            state.upsert_articles(articles_frame([post]))
        roots = state.conversations.roots()[state.rows_of(["root", "reply", "named", "other"])]
        assert [state.articles.strings[row] for row in roots.tolist()] == ["root", "root", "root", "other"]
        state.delete_articles(["reply"])
        assert state.conversations.roots()[state.rows_of(["reply"])] == state.rows_of(["reply"])


def test_a_newspaper_has_no_conversations() -> None:
    state = LiveState()
    state.upsert_articles(articles_frame([Article(id="a", title="A", author="Jane Doe")]))
    assert not len(state.conversations.members())
    assert pl.Series(state.conversations.reply_to).max() == -1
