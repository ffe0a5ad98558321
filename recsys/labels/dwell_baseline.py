"""Seconds that make a read deep, from earlier reads of the article and from the reader's pace.

Each read is compared only with earlier ones, in the order in which they became known, so that the same log always
gives the same result. Bounces are left out: they say nothing about reading time.
"""

import polars as pl

from recsys.domain import EventKind
from recsys.labels.label_rule import LabelRule


def deep_read_seconds(events: pl.DataFrame, words: pl.DataFrame, rule: LabelRule) -> pl.DataFrame:
    """Return the threshold of a deep read for each read of known length.

    Args:
        events: columns id, reader, article, kind, known_at, value; kinds other than reads are ignored.
        words: columns id, word_count of articles (null where unknown).
        rule: parameters of the rule.

    Returns:
        One row per read: id, and `deep`, the seconds from which it is deep.
    """
    timed = events.filter((pl.col("kind") == EventKind.READ.value) & pl.col("value").is_not_null())
    sized = (
        timed.sort("known_at", "id")
        .select("id", "reader", "article", pl.col("value").clip(0, rule.longest).alias("seconds"))
        .join(words.rename({"id": "article"}), on="article", how="left", maintain_order="left")
    )
    by_length = rule.deep_share * rule.expected(pl.col("word_count")).fill_null(rule.expected_default)
    stayed = pl.when(pl.col("seconds") >= rule.bounce_seconds).then(pl.col("seconds"))
    least, most = (rule.deep_share * bound for bound in (rule.expected_least, rule.expected_most))
    usual = sized.with_columns(_shrunk(stayed, by_length, "article", rule).clip(least, most).alias("usual"))
    pace = _shrunk(stayed / pl.col("usual"), pl.lit(1.0), "reader", rule).clip(rule.least_pace, rule.most_pace)
    return usual.select("id", (pl.col("usual") * pace).alias("deep"))


def _shrunk(values: pl.Expr, prior: pl.Expr, group: str, rule: LabelRule) -> pl.Expr:
    """Return the quantile of earlier non-null `values` of a `group`, shrunk toward `prior` if they are few."""
    before = values.shift(1)
    middle = before.rolling_quantile(rule.quantile, "linear", rule.earlier, min_samples=1).over(group)
    count = before.is_not_null().cast(pl.Float64).rolling_sum(rule.earlier, min_samples=1).over(group)
    return (rule.prior * prior + count * middle.fill_null(0.0)) / (rule.prior + count)
