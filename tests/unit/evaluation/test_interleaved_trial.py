"""Outcome of interleaved slates."""

import numpy as np
import polars as pl

from recsys.evaluation.interleaved_trial import credit_of, mean_credit, preferences
from recsys.feed.interleaving import team_draft
from recsys.store.experiments import INTERLEAVED


def found(rows: list[tuple[str, str, list[str]]]) -> pl.DataFrame:
    """Slates of two models that agree on nothing; a row: request id, reader, opened articles."""
    made = [(id_, "old", "new", reader, ["a", "b"], ["x", "y"], opened) for id_, reader, opened in rows]
    return pl.DataFrame(made, schema=INTERLEAVED, orient="row")


def test_an_opened_article_counts_for_the_model_that_put_it_there() -> None:
    for number in range(20):
        seed = str(number)
        picks = team_draft(["a", "b"], ["x", "y"], seed)
        assert sorted(pick.team for pick in picks) == [0, 1]  # type: ignore[type-var]
        assert credit_of(["a", "b"], ["x", "y"], seed, ["x"]) == 1
        assert credit_of(["a", "b"], ["x", "y"], seed, ["a"]) == -1
        assert credit_of(["a", "b"], ["x", "y"], seed, ["x", "a"]) == 0
        assert credit_of(["a", "b"], ["x", "y"], seed, ["elsewhere"]) == 0
        assert credit_of(["a", "b"], ["a", "b"], seed, ["a", "b"]) == 0


def test_a_model_that_readers_prefer_is_found() -> None:
    rows = [(str(number), f"r{number % 50}", ["x"] if number % 3 else ["a"]) for number in range(600)]
    [preference] = preferences(found(rows))
    assert (preference.challenger, preference.reference) == ("new", "old")
    assert (preference.slates, preference.readers) == (600, 50)
    assert (preference.preferred, preference.other) == (400, 200)
    assert preference.credit is not None
    assert preference.credit.low > 0


def test_few_readers_get_no_verdict() -> None:
    [preference] = preferences(found([(str(number), "r", ["x"]) for number in range(100)]))
    assert preference.credit is None
    assert preferences(found([])) == []


def test_slates_of_one_reader_are_not_independent() -> None:
    rng = np.random.default_rng(3)
    by_reader = rng.choice([-1.0, 1.0], 60)
    once = mean_credit(by_reader, np.arange(60))
    often = mean_credit(np.repeat(by_reader, 50), np.repeat(np.arange(60), 50))
    assert once is not None
    assert often is not None
    assert often.mean == once.mean
    assert often.high - often.low > (once.high - once.low) / 3  # not by the root of 50
