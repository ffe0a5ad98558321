"""A slate that Attune made counts if its page sent a beacon, or its reader did anything soon after it."""

import polars as pl

from recsys.labels.seen import WINDOW, seen


def slates(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"id": pl.String, "reader": pl.String, "at": pl.Int64}, orient="row")


def made(**beacons: bool) -> pl.DataFrame:
    return pl.DataFrame({"id": list(beacons), "beacon": list(beacons.values())})


def actions(*rows: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"reader": pl.String, "at": pl.Int64}, orient="row")


def test_a_beacon_or_an_action_of_the_reader_in_the_window_shows_that_a_slate_was_seen() -> None:
    logged = slates(
        ("late", "r", 5 * WINDOW),
        ("beacon", "r", WINDOW),
        ("acted", "r", 10),
        ("early", "r", 0),
        ("other", "q", 0),
    )
    done = actions(("r", 5 * WINDOW - 1), ("r", 6 * WINDOW + 1), ("r", WINDOW + 5))
    found = seen(logged, made(late=False, beacon=True, acted=False, early=False, other=False), done)
    assert dict(zip(logged["id"], found, strict=True)) == {
        "late": False,
        "beacon": True,
        "acted": True,
        "early": False,
        "other": False,
    }


def test_a_slate_without_a_model_always_counts() -> None:
    logged = slates(("imported", "r", 0), ("made", "r", 0))
    assert seen(logged, made(made=False), actions()).to_list() == [True, False]


def test_an_action_at_the_same_moment_and_at_the_end_of_the_window_counts() -> None:
    logged = slates(("now", "r", 7), ("end", "q", 7))
    assert seen(logged, made(now=False, end=False), actions(("r", 7), ("q", 7 + WINDOW))).all()
