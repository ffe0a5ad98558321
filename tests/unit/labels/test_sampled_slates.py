"""Clicks become slates with negatives that were available then and that the reader never clicked."""

import numpy as np
import polars as pl

from recsys.domain import DAY, HOUR, SECOND
from recsys.labels.sampled_slates import NEGATIVES, Sampling, sampled_slates

START = 1_700_000_000_000_000
PUBLISHED = {f"a{number:03}": START + number * HOUR for number in range(120)}


def articles(**changes: int | None) -> pl.DataFrame:
    dates = {**PUBLISHED, **changes}
    return pl.DataFrame(
        {"id": list(dates), "published_at": list(dates.values()), "expires_at": [None] * len(dates)},
        schema={"id": pl.String, "published_at": pl.Int64, "expires_at": pl.Int64},
    )


def clicks(count: int = 200, seed: int = 3) -> pl.DataFrame:
    """Readers click on articles of the hours before."""
    rng = np.random.default_rng(seed)
    hours = rng.integers(30, 120, count)
    return pl.DataFrame(
        {
            "id": [f"e{number}" for number in range(count)],
            "reader": [f"r{number % 7}" for number in range(count)],
            "article": [f"a{hour - rng.integers(1, 20):03}" for hour in hours.tolist()],
            "at": START + hours * HOUR + rng.integers(1, HOUR, count),
        }
    )


def test_negatives_were_available_then_and_never_clicked_by_the_reader() -> None:
    logged, slates = clicks(), sampled_slates(clicks(), articles(), Sampling(max_age_days=1.0))
    seen = {(reader, article) for reader, article in logged.select("reader", "article").iter_rows()}
    by_id = {row["id"]: row for row in logged.iter_rows(named=True)}
    assert slates.height == logged.height
    for slate in slates.iter_rows(named=True):
        click, candidates = by_id[slate["id"].removeprefix("sampled-")], slate["candidates"]
        assert slate["at"] == click["at"] - SECOND
        assert len(set(candidates)) == len(candidates) <= 1 + NEGATIVES
        assert click["article"] in candidates
        for negative in set(candidates) - {click["article"]}:
            assert slate["at"] - DAY <= PUBLISHED[negative] < slate["at"]
            assert (slate["reader"], negative) not in seen
    places = [row["candidates"].index(by_id[row["id"][8:]]["article"]) for row in slates.iter_rows(named=True)]
    assert len(set(places)) > 5, "the place of the clicked article says nothing"
    assert slates["candidates"].list.len().mean() > NEGATIVES - 1  # type: ignore[operator]


def test_the_seed_decides_and_the_order_of_the_rows_does_not() -> None:
    once = sampled_slates(clicks(), articles(), Sampling(seed=1))
    assert once.equals(sampled_slates(clicks().reverse(), articles().reverse(), Sampling(seed=1)))
    assert not once.equals(sampled_slates(clicks(), articles(), Sampling(seed=2)))


def test_an_article_without_a_date_is_available_from_its_first_click() -> None:
    logged = clicks()
    first = int(logged.filter(pl.col("article") == "a050")["at"].min())  # type: ignore[arg-type]
    slates = sampled_slates(logged, articles(a050=None), Sampling())
    others = slates.filter(pl.col("candidates").list.contains("a050"))["at"]
    assert others.len() > 3
    assert (others >= first - SECOND).all()


def test_expired_articles_and_clicks_without_alternatives_are_left_out() -> None:
    expired = articles().with_columns(pl.lit(START).alias("expires_at"))
    assert sampled_slates(clicks(), expired, Sampling()).is_empty()
    assert sampled_slates(clicks(), articles().head(0), Sampling()).is_empty()
    assert sampled_slates(clicks().head(0), articles(), Sampling()).is_empty()
