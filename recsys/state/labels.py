"""Behaviour → graded relevance, version 1.

    0  shown and passed over, or hidden
    1  clicked and bounced
    2  read; also clicked with nothing known of the reading
    3  read deeply, or liked, saved, shared

A reading is judged against the article's own length: reading at 238 words a minute (Brysbaert 2019) takes the
expected time, capped at two minutes; without a length it is one minute.

A slate's outcome is what quotes its request id. If no click or read does, it is what the same reader did to the
same article within 30 minutes after the slate (the newest such slate takes it). Only what was known before the
cut-off counts.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import MINUTE, SECOND, EventKind

VERSION = 1

_Words = TypeVar("_Words", pl.Expr, NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class LabelRule:
    """The numbers of the rule. Seconds, percent and shares."""

    bounce_seconds: float = 8.0
    bounce_scroll: float = 50.0
    deep_share: float = 0.6
    deep_scroll: float = 90.0
    words_per_minute: float = 238.0
    expected_default: float = 60.0
    expected_least: float = 20.0
    expected_most: float = 120.0
    attribute_within: int = 30 * MINUTE

    def expected(self, words: _Words) -> _Words:
        """Seconds that reading `words` words takes; unknown stays unknown."""
        return (words / self.words_per_minute * 60).clip(self.expected_least, self.expected_most)


_LIKES = [kind.value for kind in (EventKind.LIKE, EventKind.SAVE, EventKind.SHARE)]
_HIDES = [kind.value for kind in (EventKind.HIDE, EventKind.DISLIKE)]
_OPENS = [kind.value for kind in (EventKind.CLICK, EventKind.READ)]
_OUTCOMES = [*_OPENS, *_LIKES, *_HIDES, EventKind.SCROLL.value]


def grade(
    slates: pl.DataFrame,
    events: pl.DataFrame,
    words: pl.DataFrame,
    until: int,
    rule: LabelRule | None = None,
) -> pl.DataFrame:
    """Label every candidate of every slate.

    Args:
        slates: columns id, reader, at, candidates (list), of the slates to label.
        events: columns reader, article, kind, at, known_at, value, request_id; more than needed does no harm.
        words: columns id, word_count of articles (null where unknown).
        until: only what was known before counts, microseconds.
        rule: the numbers of the rule.

    Returns:
        One row per slate in the order given: id, and `labels`, a list of 0..3 aligned with its candidates.
    """
    rule = rule or LabelRule()
    shown = slates.select(pl.col("id").alias("slate"), "reader", "at", pl.col("candidates").alias("article"))
    shown = shown.with_row_index("order").explode("article")
    known = events.filter((pl.col("known_at") < until) & pl.col("kind").is_in(_OUTCOMES))
    quoted = _quoted(shown, known)
    outcome = pl.concat([quoted, _unquoted(quoted, _nearby(shown, known, rule))])
    graded = _graded(_per_candidate(outcome), words, rule)
    joined = shown.join(graded, on=["slate", "article"], how="left", maintain_order="left")
    labelled = joined.group_by("order").agg(pl.col("label").fill_null(0).alias("labels"))
    nothing = pl.lit([], dtype=pl.List(pl.Int8))
    numbered = (
        slates.select("id").with_row_index("order").join(labelled, on="order", how="left", maintain_order="left")
    )
    return numbered.select("id", pl.col("labels").fill_null(nothing))


def _quoted(shown: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    keys = shown.select(pl.col("slate"), "article").unique()
    joined = events.join(
        keys, left_on=["request_id", "article"], right_on=["slate", "article"], how="inner", coalesce=False
    )
    return joined.select("slate", "article", "kind", "value")


def _unquoted(quoted: pl.DataFrame, nearby: pl.DataFrame) -> pl.DataFrame:
    """Of what happened nearby: all for slates that nothing opened quotes, else only more about what was opened."""
    opened = quoted.filter(pl.col("kind").is_in(_OPENS)).select("slate", "article").unique()
    of_silent = nearby.join(opened.select("slate").unique(), on="slate", how="anti")
    return pl.concat([of_silent, nearby.join(opened, on=["slate", "article"], how="semi")])


def _nearby(shown: pl.DataFrame, events: pl.DataFrame, rule: LabelRule) -> pl.DataFrame:
    slates = shown.select("slate", "reader", "article", "at").sort("at", "slate")
    # a reading is known when it ends; it belongs to the slate before it began
    lasted = (pl.col("value").fill_null(0) * SECOND).cast(pl.Int64)
    began = pl.when(pl.col("kind") == EventKind.READ.value).then(pl.col("at") - lasted)
    free = events.join(slates.select("slate").unique(), left_on="request_id", right_on="slate", how="anti")
    free = free.with_columns(began.otherwise(pl.col("at")).alias("at")).sort("at", "known_at")
    joined = free.join_asof(
        slates,
        on="at",
        by=["reader", "article"],
        strategy="backward",
        tolerance=rule.attribute_within,
        check_sortedness=False,  # it is sorted; polars cannot verify that within groups
    )
    return joined.drop_nulls("slate").select("slate", "article", "kind", "value")


def _per_candidate(outcome: pl.DataFrame) -> pl.DataFrame:
    kind, value = pl.col("kind"), pl.col("value")
    return outcome.group_by("slate", "article").agg(
        kind.is_in(_OPENS).any().alias("opened"),
        kind.is_in(_LIKES).any().alias("liked"),
        kind.is_in(_HIDES).any().alias("hidden"),
        value.filter(kind == "read").sum().alias("seconds"),
        value.filter(kind == "read").is_not_null().any().alias("timed"),
        value.filter(kind == "scroll").max().fill_null(0.0).alias("scroll"),
    )


def _graded(candidates: pl.DataFrame, words: pl.DataFrame, rule: LabelRule) -> pl.DataFrame:
    expected = rule.expected(pl.col("word_count")).fill_null(rule.expected_default)
    seconds, scroll = pl.col("seconds"), pl.col("scroll")
    deep = (seconds >= rule.deep_share * expected) | ((scroll >= rule.deep_scroll) & (seconds >= expected / 3))
    bounced = (seconds < rule.bounce_seconds) & (scroll < rule.bounce_scroll)
    label = (
        pl.when(pl.col("hidden"))
        .then(0)
        .when(pl.col("liked"))
        .then(3)
        .when(~pl.col("opened"))
        .then(0)
        .when(~pl.col("timed"))
        .then(2)
        .when(deep)
        .then(3)
        .when(bounced)
        .then(1)
        .otherwise(2)
    )
    sized = candidates.join(words, left_on="article", right_on="id", how="left")
    return sized.select("slate", "article", label.cast(pl.Int8).alias("label"))
