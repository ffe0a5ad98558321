"""Figures of the live calibration by source and by language, from the stored statistics of every article."""

import polars as pl

from recsys.encoder.article_text import article_texts, text_hash
from recsys.store import articles, attention_stats
from recsys.store.database import Database

GROUPS = ("source", "language")
UNKNOWN = "unknown"


def attention_by_group(database: Database, model: str, calibrator: str, most: int) -> pl.DataFrame:
    """Return the figures of the newest `most` articles that `model` read with `calibrator` (digest).

    One row for each value of each of `GROUPS`, most articles first: `group`, `value`, `articles`, `gated` (share
    of adjusted headlines), `flagged` (mean share of flagged words), `score_p50` and `score_p99` (D1).
    """
    with database.read() as connection:
        stored, _ = articles.upserted_since(connection, 0)
        newest = stored.sort("published_at", descending=True, nulls_last=True).head(most)
        hashes = pl.Series("text_hash", [text_hash(text) for text in article_texts(newest)], dtype=pl.String)
        seen = attention_stats.load(connection, model, calibrator, hashes.to_list())
    known = newest.select(*GROUPS).with_columns(hashes).join(seen, on="text_hash", how="inner")
    return pl.concat([_by(known, group) for group in GROUPS])


def _by(known: pl.DataFrame, group: str) -> pl.DataFrame:
    """Return the rows of one group; `known` has a row for each article."""
    found = known.group_by(pl.col(group).fill_null(UNKNOWN).alias("value")).agg(
        pl.len().alias("articles"),
        pl.col("gated").mean(),
        pl.col("flagged_share").mean().alias("flagged"),
        pl.col("score").quantile(0.5).alias("score_p50"),
        pl.col("score").quantile(0.99).alias("score_p99"),
    )
    return found.select(pl.lit(group).alias("group"), pl.all()).sort(
        ["articles", "value"], descending=[True, False]
    )
