"""Calibration of stored articles: figures by source and language, and most flagged headlines."""

import polars as pl

from recsys.encoder.article_text import article_texts, text_hash
from recsys.encoder.body_reading import reads_bodies
from recsys.store import articles, attention_stats
from recsys.store.database import Database

GROUPS = ("source", "language")
UNKNOWN = "unknown"

_COLUMNS = ("id", "title", "published_at", *GROUPS)


def calibrated_articles(database: Database, model: str, calibrator: str, most: int) -> pl.DataFrame:
    """Return those of the newest `most` articles that `model` read with `calibrator` (digest), newest first.

    Columns: id, title, published_at, source and language, and those of `frames.ARTICLE_ATTENTION`.
    """
    with database.read() as connection:
        stored, _ = articles.upserted_since(connection, 0)
        newest = stored.sort("published_at", descending=True, nulls_last=True).head(most)
        texts = article_texts(newest, reads_bodies(model))
        hashes = pl.Series("text_hash", [text_hash(text) for text in texts], dtype=pl.String)
        seen = attention_stats.load(connection, model, calibrator, hashes.to_list())
    known = newest.select(_COLUMNS).with_columns(hashes)
    return known.join(seen, on="text_hash", how="inner", maintain_order="left")


def figures_by_group(calibrated: pl.DataFrame) -> pl.DataFrame:
    """Return the figures of `calibrated_articles` for each value of each of `GROUPS`, most articles first.

    Columns: `group`, `value`, `articles`, `gated` (share of adjusted headlines), `flagged` (mean share of flagged
    words), `score_p50` and `score_p99` (D1).
    """
    return pl.concat([_by(calibrated, group) for group in GROUPS])


def most_flagged(calibrated: pl.DataFrame, count: int) -> pl.DataFrame:
    """Return up to `count` of `calibrated_articles` with flagged words, the largest share of them first."""
    flagged = calibrated.filter(pl.col("flagged_share") > 0)
    return flagged.sort(["flagged_share", "score", "id"], descending=[True, True, False]).head(count)


def _by(calibrated: pl.DataFrame, group: str) -> pl.DataFrame:
    """Return the rows of one group."""
    found = calibrated.group_by(pl.col(group).fill_null(UNKNOWN).alias("value")).agg(
        pl.len().alias("articles"),
        pl.col("gated").mean(),
        pl.col("flagged_share").mean().alias("flagged"),
        pl.col("score").quantile(0.5).alias("score_p50"),
        pl.col("score").quantile(0.99).alias("score_p99"),
    )
    return found.select(pl.lit(group).alias("group"), pl.all()).sort(
        ["articles", "value"], descending=[True, False]
    )
