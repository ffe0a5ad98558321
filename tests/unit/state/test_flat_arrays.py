import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.state.flat_arrays import Rings


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 3), max_size=120), st.integers(0, 20))
def test_rings_keep_exactly_the_last_entries_of_each_reader(readers: list[int], most: int) -> None:
    rings, stored = Rings(16), {}
    rings.reserve(4)
    pushed: dict[int, list[int]] = {reader: [] for reader in range(4)}
    for entry, reader in enumerate(readers):
        stored[rings.push(reader)] = entry
        pushed[reader].append(entry)
    for reader, entries in pushed.items():
        kept = entries[-min(most, 16) :] if most else []
        assert [stored[slot] for slot in rings.recent(reader, most).tolist()] == kept
        assert rings.count(reader) == len(entries)


def test_pages_are_taken_as_rings_fill() -> None:
    rings = Rings(64)
    rings.reserve(1_000)
    rings.push(999)
    assert rings.slots == 8
    for _ in range(8):
        rings.push(0)
    assert rings.slots == 16


def test_a_full_ring_takes_no_more_pages() -> None:
    rings = Rings(16)
    rings.reserve(1)
    slots = [rings.push(0) for _ in range(50)]
    assert rings.slots == 16
    assert rings.slot(0, 49) == slots[-1]
    assert slots[34:50] == slots[18:34]


def test_a_length_that_is_no_multiple_of_a_page_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        Rings(20)


def test_restored_rings_go_on_where_they_were() -> None:
    rings, again = Rings(16), Rings(16)
    rings.reserve(2)
    for _ in range(5):
        rings.push(1)
    again.restore(rings.counts.copy(), rings.table.copy(), rings.pages_used)
    assert again.push(1) == rings.push(1)
    assert again.recent(1, 16).tolist() == rings.recent(1, 16).tolist()
