import numpy as np
import polars as pl
import pytest

from recsys.domain import SECOND, Article, Event, EventKind
from recsys.feed.user_history import outcomes, reads_of, without_hidden
from recsys.frames import SLATES, articles_frame, events_frame
from recsys.labels.label_rule import LabelRule
from recsys.projection.vector_table import VectorTable
from recsys.state.live_state import LiveState

LATER = 1_000 * SECOND


def state_of(events: list[tuple[str, EventKind, float | None]], words: int | None = None) -> LiveState:
    """One reader, who does one thing a second; every article has `words` words."""
    state = LiveState()
    ids = sorted({article for article, _, _ in events})
    state.upsert_articles(articles_frame([Article(id=id_, title=id_, word_count=words) for id_ in ids]))
    rows = [
        Event(
            id=str(at),
            reader="r",
            kind=kind,
            at=(at + 1) * SECOND,
            known_at=(at + 1) * SECOND,
            article=article,
            value=value,
        )
        for at, (article, kind, value) in enumerate(events)
    ]
    state.apply(state.encode(events_frame(rows), pl.DataFrame(schema=SLATES)))
    return state


def table(state: LiveState) -> VectorTable:
    vectors = VectorTable()
    vectors.put(np.arange(1, len(state.articles)), np.eye(len(state.articles) - 1, 8, dtype=np.float32))
    return vectors


def test_reads_bring_the_quantile_of_their_dwell_and_the_noise_of_their_reader() -> None:
    state = state_of(
        [
            ("a", EventKind.READ, 2.0),
            ("b", EventKind.READ, 90.0),
            ("c", EventKind.CLICK, None),
            ("d", EventKind.READ, 30.0),
        ],
        words=238,
    )
    reads, _ = reads_of(state, without_hidden(state.history("r")), table(state), LATER)
    np.testing.assert_array_equal(reads.quantile, [1 / 3, 1.0, np.nan, 2 / 3])
    assert reads.noise == pytest.approx((1 + 0.5) / (3 + 5))


def test_outcomes_come_from_behaviour_and_preferences() -> None:
    state = state_of(
        [
            ("a", EventKind.READ, 2.0),
            ("b", EventKind.READ, 90.0),
            ("c", EventKind.CLICK, None),
            ("d", EventKind.SAVE, None),
            ("e", EventKind.READ, 30.0),
            ("e", EventKind.SCROLL, 85.0),
            ("f", EventKind.READ, 50.0),
            ("g", EventKind.READ, 20.0),
            ("h", EventKind.HIDE, None),
        ],
        words=238,
    )
    for history, known in (
        (state.history("r"), [0, 1, -1, 1, 1, 1, -1, 0]),
        (without_hidden(state.history("r")), [0, 1, -1, 1, 1, 1, -1]),
    ):
        reads, places = reads_of(state, history, table(state), LATER)
        assert outcomes(history, reads, places).tolist() == known


def test_numbers_and_columns_follow_one_rule() -> None:
    words = np.asarray([10.0, 238.0, 300.0, 9_000.0])
    column = pl.DataFrame({"words": words}).select(LabelRule().expected(pl.col("words")))["words"]
    assert LabelRule().expected(words).tolist() == column.to_list() == [20.0, 60.0, 300 / 238 * 60, 120.0]
