"""Slates that somebody can have seen. Only these train and evaluate rankers.

A slate that Attune made was seen if an `impression` event of its reader quotes it (the beacon of a page), or if
the reader did anything within `WINDOW` after it. All others were fetched by a program, or never reached a screen:
nobody could click. A slate without a `model` comes from a publisher's own log, and counts as seen.
"""

import polars as pl

from recsys.labels.label_rule import LabelRule

WINDOW = LabelRule().attribute_within
"""Microseconds after a slate in which an action of its reader shows that the reader was there."""


def seen(slates: pl.DataFrame, made: pl.DataFrame, actions: pl.DataFrame) -> pl.Series:
    """Return True for each slate that somebody can have seen.

    Args:
        slates: columns id, reader, at.
        made: column id of the slates that Attune made, and `beacon`: True if an impression event quotes it.
        actions: columns reader, at of all other events.
    """
    ordered = slates.select("id", "reader", "at").with_row_index("order").sort("at")
    followed = ordered.join_asof(
        actions.select("reader", pl.col("at").alias("acted")).sort("acted"),
        left_on="at",
        right_on="acted",
        by="reader",
        strategy="forward",
        tolerance=WINDOW,
        check_sortedness=False,  # it is sorted; polars cannot verify that within groups
    )
    marked = followed.join(made.select("id", "beacon"), on="id", how="left").sort("order")
    return marked.select(
        (pl.col("beacon").is_null() | pl.col("beacon") | pl.col("acted").is_not_null()).alias("seen")
    )["seen"]
