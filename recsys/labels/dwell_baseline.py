"""How long a reading must last to be a deep one: by the article's readers, and by the reader's own habit.

Every reading is judged by those before it alone, in the order in which they became known: the log gives the same
answer whenever it is asked. Who leaves at once tells nothing of how long reading takes, so bounces are no habit.
"""

import polars as pl

from recsys.domain import EventKind
from recsys.labels.label_rule import LabelRule


def deep_read_seconds(events: pl.DataFrame, words: pl.DataFrame, rule: LabelRule) -> pl.DataFrame:
    """What each reading of known length is judged by.

    Args:
        events: columns id, reader, article, kind, known_at, value; other kinds than reads do no harm.
        words: columns id, word_count of articles (null where unknown).
        rule: the numbers of the rule.

    Returns:
        A row a reading: id, and `deep`, the seconds from which it is a deep one.
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
    usual = sized.with_columns(_drawn(stayed, by_length, "article", rule).clip(least, most).alias("usual"))
    pace = _drawn(stayed / pl.col("usual"), pl.lit(1.0), "reader", rule).clip(rule.least_pace, rule.most_pace)
    return usual.select("id", (pl.col("usual") * pace).alias("deep"))


def _drawn(values: pl.Expr, prior: pl.Expr, group: str, rule: LabelRule) -> pl.Expr:
    """The quantile of earlier `values` of the same `group`, without nulls, drawn to `prior` while they are few."""
    before = values.shift(1)
    middle = before.rolling_quantile(rule.quantile, "linear", rule.earlier, min_samples=1).over(group)
    count = before.is_not_null().cast(pl.Float64).rolling_sum(rule.earlier, min_samples=1).over(group)
    return (rule.prior * prior + count * middle.fill_null(0.0)) / (rule.prior + count)
