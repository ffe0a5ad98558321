"""Slates with sampled negatives, for logs of clicks without impressions.

For each click on a stored article, a slate of it and up to `NEGATIVES` articles that were available: published
(or, without a date, first clicked) before, not expired, not older than the largest age, and never clicked by this
reader. They are drawn uniformly, with a seed. Such slates train and evaluate rankers; they are not stored, and no
state counts them as shown.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import DAY, SECOND

NEGATIVES = 9
MOST_AGE_DAYS = 7.0
"""Older articles are drawn only if fewer than `LEAST_POOL` are newer: against an archive, age alone would win."""

LEAST_POOL = 50
ANY_AGE_DAYS = 3650.0
"""Largest age where an operator set none."""

_BEFORE_CLICK = SECOND
"""A slate is shown one second before its click, so that no event at the moment of the click is known."""

_SPARE = 3
_SLATES = {"id": pl.String(), "reader": pl.String(), "at": pl.Int64(), "candidates": pl.List(pl.String())}
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Sampling:
    """Parameters of the draw. max_age_days: of articles that a feed may show."""

    max_age_days: float = ANY_AGE_DAYS
    seed: int = 7


def sampled_slates(clicks: pl.DataFrame, articles: pl.DataFrame, sampling: Sampling) -> pl.DataFrame:
    """Return a slate for each click that has a negative: columns id, reader, at, candidates, in order of time.

    Args:
        clicks: columns id, reader, article, at: all clicks known, also those whose slates are not needed.
        articles: columns id, published_at, expires_at (null if none).
        sampling: largest age, and the seed.
    """
    ordered = clicks.sort("at", "id")
    pool = _Pool.of(articles, ordered)
    if not len(pool.ids) or ordered.is_empty():
        return pl.DataFrame(schema=_SLATES)
    rng = np.random.default_rng(sampling.seed)
    at = ordered["at"].to_numpy() - _BEFORE_CLICK
    reader = ordered["reader"].rank("dense").to_numpy().astype(np.int64)
    drawn_nm = pool.draw(at, sampling.max_age_days, rng)
    own = pool.places(ordered["article"])
    clicked = np.unique(reader[own >= 0] * len(pool.ids) + own[own >= 0])
    wrong_nm = (drawn_nm < 0) | (drawn_nm == own[:, None]) | (pool.expires[drawn_nm] <= at[:, None])
    wrong_nm |= np.isin(reader[:, None] * len(pool.ids) + drawn_nm, clicked)
    wrong_nm |= _repeated(drawn_nm) | (own < 0)[:, None]
    kept_nm = ~wrong_nm & (np.cumsum(~wrong_nm, axis=1) <= NEGATIVES)
    row, column = np.nonzero(kept_nm)
    negatives = pl.DataFrame({"row": row, "article": pl.Series(pool.ids[drawn_nm[row, column]], dtype=pl.String)})
    positives = pl.DataFrame({"row": np.unique(row)}).with_columns(ordered["article"][np.unique(row)])
    lists = (
        pl.concat([positives, negatives])
        .with_columns(pl.Series("key", rng.random(len(row) + positives.height)))
        .sort("row", "key")  # so that the place of the clicked article says nothing
        .group_by("row", maintain_order=True)
        .agg(pl.col("article").alias("candidates"))
    )
    slates = ordered[lists["row"].to_numpy()].select(
        pl.concat_str(pl.lit("sampled-"), "id").alias("id"), "reader", pl.col("at") - _BEFORE_CLICK
    )
    return slates.with_columns(lists["candidates"])


@dataclass(frozen=True, slots=True)
class _Pool:
    """Articles in order of availability: ids, and microseconds of availability and expiry [a]."""

    ids: NDArray[np.object_]
    since: NDArray[np.int64]
    expires: NDArray[np.int64]

    @classmethod
    def of(cls, articles: pl.DataFrame, clicks: pl.DataFrame) -> "_Pool":
        first = clicks.group_by("article").agg(pl.col("at").min().alias("first"))
        dated = articles.select("id", "published_at", "expires_at").join(
            first, left_on="id", right_on="article", how="left"
        )
        known = dated.with_columns(pl.coalesce("published_at", "first").alias("since")).drop_nulls("since")
        known = known.sort("since", "id")
        expires = known["expires_at"].fill_null(_NEVER).to_numpy()
        return cls(known["id"].to_numpy(), known["since"].to_numpy(), expires)

    def draw(self, at: NDArray[np.int64], max_age_days: float, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw places [n, m] of articles available at times [n], with repetitions; −1 if there is none."""
        end = np.searchsorted(self.since, at, side="left")
        oldest = np.searchsorted(self.since, at - int(max_age_days * DAY), side="left")
        recent = np.searchsorted(self.since, at - int(MOST_AGE_DAYS * DAY), side="left")
        start = np.maximum(oldest, np.minimum(recent, end - LEAST_POOL))
        share_nm = rng.random((len(at), _SPARE * NEGATIVES))
        places_nm = (start[:, None] + share_nm * (end - start)[:, None]).astype(np.int64)
        return np.where((end > start)[:, None], places_nm, -1)

    def places(self, ids: pl.Series) -> NDArray[np.int64]:
        """Return the place of each of `ids` [n]; −1 for an article that is not stored."""
        places = pl.DataFrame({"id": pl.Series(self.ids, dtype=pl.String)}).with_row_index("place")
        found = pl.DataFrame({"id": ids}).join(places, on="id", how="left", maintain_order="left")
        return found["place"].cast(pl.Int64).fill_null(-1).to_numpy()


def _repeated(drawn_nm: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return True for each value [n, m] that its row has further left."""
    order_nm = np.argsort(drawn_nm, axis=1, kind="stable")
    sorted_nm = np.take_along_axis(drawn_nm, order_nm, axis=1)
    again_nm = np.zeros(drawn_nm.shape, dtype=np.bool_)
    again_nm[:, 1:] = sorted_nm[:, 1:] == sorted_nm[:, :-1]
    out_nm = np.empty_like(again_nm)
    np.put_along_axis(out_nm, order_nm, again_nm, axis=1)
    return out_nm
