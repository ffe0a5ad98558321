"""Parts of readings in labels and in the fold are the same."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recsys.domain import MINUTE, Event, EventKind
from recsys.frames import events_frame
from recsys.labels.readings import joined_readings
from tests.unit.state.readings import plain_parts

NOON = 20_000 * 24 * 60 * MINUTE


def log(rows: list[tuple[str, int, float]]) -> pl.DataFrame:
    at, events = NOON, []
    for number, (kind, gap, value) in enumerate(rows):
        at += gap
        given_value = value if kind == "read" else None
        events.append(
            Event(
                id=f"{number:03}",
                reader="r",
                article="a",
                kind=EventKind(kind),
                at=at,
                known_at=at,
                value=given_value,
            )
        )
    return events_frame(events)


def test_parts_become_one_row_with_the_first_request_and_the_last_times() -> None:
    events = log([("click", 0, 0.0), *[("read", 10_000_000, 10.0)] * 6])
    events = events.with_columns(request_id=pl.when(pl.col("id") == "003").then(pl.lit("q")))
    (read,) = joined_readings(events).filter(pl.col("kind") == "read").to_dicts()
    assert (read["id"], read["value"], read["request_id"]) == ("001", 60.0, "q")
    assert (read["began"], read["at"], read["known_at"]) == (NOON, NOON + MINUTE, NOON + MINUTE)


@given(
    st.lists(
        st.tuples(st.sampled_from(["click", "read"]), st.sampled_from([0, MINUTE, 5 * MINUTE]), st.floats(0, 60)),
        max_size=6,
    )
)
def test_within_half_an_hour_the_parts_are_those_of_the_fold(rows: list[tuple[str, int, float]]) -> None:
    events = log(rows)
    begins = [
        row["id"]
        for row, before in zip(events.iter_rows(named=True), plain_parts(events), strict=True)
        if row["kind"] == "read" and before is None
    ]
    joined = joined_readings(events).filter(pl.col("kind") == "read")
    assert joined["id"].to_list() == begins
    assert abs(joined["value"].sum() - events["value"].sum()) < 1e-6


@given(st.lists(st.floats(0, 3_000), max_size=6), st.integers(0, 40 * MINUTE))
def test_reads_that_have_a_click_each_stay_as_they_are(values: list[float], gap: int) -> None:
    rows = [row for value in values for row in (("click", gap, 0.0), ("read", int(value * 1e6), value))]
    events = log(rows)
    assert joined_readings(events).drop("began").equals(events)
