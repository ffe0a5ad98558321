"""A shard counts articles as one process with all readers does, bit by bit, and remembers only its own readers."""

from itertools import product
from pathlib import Path
from zlib import crc32

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys.domain import MINUTE, SECOND, Event, EventKind, Slate
from recsys.errors import ConfigError, StoreError
from recsys.frames import events_frame, slates_frame
from recsys.state import snapshot
from recsys.state.exposures import RING_LENGTH
from recsys.state.live_state import LiveState
from recsys.state.narrowed_exposures import narrowed
from recsys.state.shard import WHOLE, Shard
from recsys.state.snapshot import Watermark
from tests.unit.state.logs import CATALOG, START, Log, cuts, fold, logs, met_by, read_by

SHARDS = tuple(Shard(number, 4) for number in range(4))
QUICK = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def described(shard: Shard = WHOLE) -> LiveState:
    state = LiveState(shard)
    state.upsert_articles(CATALOG)
    return state


def assert_part_of(part: LiveState, whole: LiveState) -> None:
    """All that `part` has is equal in `whole`, bit by bit, dense ids too; it has all of its own readers."""
    assert part.known_at == whole.known_at
    assert part.articles.strings == whole.articles.strings
    assert part.readers.strings == whole.readers.strings
    assert np.array_equal(part.counters.articles, whole.counters.articles)
    assert np.array_equal(part.counters.groups, whole.counters.groups)
    assert np.array_equal(part.elo.articles, whole.elo.articles)
    assert np.array_equal(part.first_shown, whole.first_shown)
    assert np.array_equal(part.follows.pairs(), whole.follows.pairs())
    for reader in whole.readers.strings:
        assert read_by(part, reader) == read_by(whole, reader)
        if part.shard.holds(reader):
            assert met_by(part, reader) == met_by(whole, reader)


def busy(readers: int, visits: int, seed: int) -> Log:
    """A log in which rings and windows overflow, and in which slates are shorter and longer than a window."""
    rng = np.random.default_rng(seed)
    events: list[Event] = []
    slates: list[Slate] = []
    met: dict[int, list[str]] = {}
    for visit in range(visits):
        for number in range(readers):
            at = START + visit * MINUTE + number * SECOND // 50  # all in one second
            size = int(
                rng.choice([1, 5, 31, 32, 33, 70, 150, 400], p=[0.2, 0.4, 0.1, 0.05, 0.05, 0.1, 0.05, 0.05])
            )
            shown = rng.choice(500, size, replace=False).tolist()
            id_, reader = f"{2 * (visit * readers + number):07}", f"r{number}"
            names = tuple(f"a{article}" for article in shown)
            slates.append(slate(id_, reader, at, names, ordered=bool(rng.random() < 0.5)))
            if rng.random() < 0.3:  # the same second again, so that two slates are one
                slates.append(slate(f"{id_}b", reader, at + 1, names[::-1][:40], ordered=True))
            if rng.random() < 0.7:
                before = met.get(number, [])[-120:]
                clicked = (
                    str(rng.choice(before)) if before and rng.random() < 0.6 else names[int(rng.integers(size))]
                )
                met.setdefault(number, []).extend(names)
                later = at + int(rng.choice([2, SECOND, 30 * SECOND]))
                events.append(
                    Event(
                        id=f"{int(id_) + 1:07}",
                        reader=reader,
                        kind=EventKind.CLICK,
                        at=later,
                        known_at=later,
                        article=clicked,
                        request_id="q",
                    )
                )
    return events_frame(sorted(events, key=_key)), slates_frame(sorted(slates, key=_key))


def slate(id_: str, reader: str, at: int, names: tuple[str, ...], ordered: bool) -> Slate:
    return Slate(id=id_, reader=reader, at=at, known_at=at, candidates=names, ordered=ordered)


def _key(row: Event | Slate) -> tuple[int, str]:
    return row.known_at, row.id


def by_time(state: LiveState, log: Log, ends: list[int]) -> LiveState:
    """Fold `log`, cut at the times `ends`."""
    for start, end in zip([0, *ends], [*ends, 2 * START], strict=True):
        between = pl.col("known_at").is_between(start, end, closed="left")
        events, slates = (part.filter(between) for part in log)
        state.apply(state.encode(events, slates))
    return state


@QUICK
@given(log=logs(), at=cuts(), shard=st.sampled_from(SHARDS))
def test_a_shard_is_a_part_of_the_whole(log: Log, at: list[int], shard: Shard) -> None:
    assert_part_of(fold(described(shard), log, at), fold(described(), log, at))


def test_windows_of_other_readers_attribute_every_click_as_whole_rings_do() -> None:
    log = busy(readers=5, visits=60, seed=3)
    whole = by_time(described(), log, [])
    assert whole.exposures.rings.counts.max() > 2 * RING_LENGTH
    for shard in SHARDS:
        assert_part_of(by_time(described(shard), log, []), whole)


def test_windows_cut_out_of_whole_rings_attribute_every_click_as_these_do() -> None:
    events, slates = busy(readers=5, visits=60, seed=5)
    whole, start = described(), 0
    for end in range(START + 4 * MINUTE, START + 61 * MINUTE, 4 * MINUTE):
        between = pl.col("known_at").is_between(start, end, closed="left")
        whole.apply(whole.encode(events.filter(between), slates.filter(between)))
        start = end
        cut = narrowed(narrowed(whole.exposures, whole.readers, Shard(1, 2)), whole.readers, SHARDS[1])
        for reader, article in product(range(len(whole.readers)), range(0, len(whole.articles), 3)):
            assert cut.attribute_click(reader, article) == whole.exposures.attribute_click(reader, article)


@pytest.mark.parametrize("chain", [("0/1", "1/2", "3/4"), ("0/2", "2/4"), ("3/4", "3/4"), ("0/1", "3/4")])
def test_a_shard_starts_from_snapshots_of_shards_that_cover_it(tmp_path: Path, chain: tuple[str, ...]) -> None:
    """Each shard of the chain folds a part of the log, and the next one starts from its snapshot."""
    log = busy(readers=5, visits=60, seed=4)
    ends = [START + (place + 1) * 20 * MINUTE for place in range(len(chain) - 1)]
    whole = by_time(described(), log, ends)
    shard, state = Shard.parse(chain[0]), described(Shard.parse(chain[0]))
    for number, (start, end) in enumerate(zip([0, *ends], [*ends, 2 * START], strict=True)):
        if number:
            snapshot.save(state, Watermark(1, state.known_at, "x"), tmp_path / "s")
            shard = Shard.parse(chain[number])
            state, _ = snapshot.load(tmp_path / "s", shard)
            state.upsert_articles(CATALOG)
        between = pl.col("known_at").is_between(start, end, closed="left")
        events, slates = (part.filter(between) for part in log)
        state.apply(state.encode(events, slates))
    assert state.shard == shard
    assert_part_of(state, whole)


@pytest.mark.parametrize(("of", "wanted"), [("0/2", ""), ("0/2", "1/4"), ("1/4", "1/2"), ("0/3", "0/4")])
def test_a_part_is_never_taken_for_what_it_lacks(tmp_path: Path, of: str, wanted: str) -> None:
    snapshot.save(described(Shard.parse(of)), Watermark(), tmp_path / "s")
    with pytest.raises(StoreError, match="has the readers of shard"):
        snapshot.load(tmp_path / "s", Shard.parse(wanted))


def test_every_reader_has_one_shard() -> None:
    readers = ["", "r1", "r2", "søren/1", "a@b.dk", *(f"user-{number}" for number in range(4_000))]
    held = [[shard.holds(reader) for shard in SHARDS] for reader in readers]
    assert all(sum(each) == 1 for each in held)
    assert np.sum(held, axis=0) == pytest.approx(np.full(4, 1_000), rel=0.1)
    assert SHARDS[0].holder("søren/1") == crc32("søren/1".encode()) % 4


@pytest.mark.parametrize("written", ["4/4", "1", "a/b", "-1/4", "0/0", "1/4/4"])
def test_a_shard_that_does_not_exist_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="write it like 0/4"):
        Shard.parse(written)
