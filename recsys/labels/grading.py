"""Graded relevance from behaviour, version 2.

    0  shown and not opened, or hidden
    1  clicked and bounced
    2  read; also clicked with unknown dwell
    3  read deeply, or liked, saved, shared

A read is compared with the time that the article takes and with the reader's pace. The time comes from the length,
at 238 words a minute (Brysbaert 2019), capped at two minutes, or one minute without a length; the more earlier
reads of the article are known, the more their median counts. It is scaled by the reader's pace: the usual ratio of
the reader's dwell to that time. Explicit feedback overrides all of it.

The parts of a reading, as heartbeats send them, count as one (`labels.readings`).

Events belong to the slate whose request id they quote. A slate without such a click or read gets what the same
reader did with the same article within 30 minutes after it (the newest slate that fits gets it). Only events known
before the cut-off count.
"""

import polars as pl

from recsys.domain import EventKind
from recsys.labels.dwell_baseline import deep_read_seconds
from recsys.labels.label_rule import VERSION as VERSION
from recsys.labels.label_rule import LabelRule as LabelRule
from recsys.labels.readings import joined_readings

_LIKES = [kind.value for kind in (EventKind.LIKE, EventKind.SAVE, EventKind.SHARE)]
_HIDES = [kind.value for kind in (EventKind.HIDE, EventKind.DISLIKE)]
_OPENS = [kind.value for kind in (EventKind.CLICK, EventKind.READ)]
_OUTCOME = ("slate", "article", "known_at", "kind", "value", "deep")
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
        events: columns id, reader, article, kind, at, known_at, value, request_id; other rows are ignored. Reads
            from before the slates serve to compare later ones with.
        words: columns id, word_count of articles (null where unknown).
        until: only events known before this time count, microseconds.
        rule: parameters of the rule.

    Returns:
        One row per slate in the given order: id, and two lists aligned with its candidates: `labels`, 0..3, and
        `seconds`, the dwell of opened candidates, NaN where unknown.
    """
    rule = rule or LabelRule()
    shown = slates.select(pl.col("id").alias("slate"), "reader", "at", pl.col("candidates").alias("article"))
    shown = shown.with_row_index("order").explode("article")
    known = events.filter((pl.col("known_at") < until) & pl.col("kind").is_in(_OUTCOMES))
    known = joined_readings(known)
    known = known.join(deep_read_seconds(known, words, rule), on="id", how="left", maintain_order="left")
    quoted = _quoted(shown, known)
    outcome = pl.concat([quoted, _unquoted(quoted, _nearby(shown, known, rule))])
    graded = _graded(_per_candidate(outcome), rule)
    joined = shown.join(graded, on=["slate", "article"], how="left", maintain_order="left")
    labelled = joined.group_by("order").agg(
        pl.col("label").fill_null(0).alias("labels"), pl.col("read").fill_null(float("nan")).alias("seconds")
    )
    numbered = (
        slates.select("id").with_row_index("order").join(labelled, on="order", how="left", maintain_order="left")
    )
    empty = (pl.col("labels").fill_null(_empty(pl.Int8)), pl.col("seconds").fill_null(_empty(pl.Float64)))
    return numbered.select("id", *empty)


def _empty(kind: type[pl.DataType]) -> pl.Expr:
    return pl.lit([], dtype=pl.List(kind))


def _quoted(shown: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    keys = shown.select(pl.col("slate"), "article").unique()
    joined = events.join(
        keys, left_on=["request_id", "article"], right_on=["slate", "article"], how="inner", coalesce=False
    )
    return joined.select(_OUTCOME)


def _unquoted(quoted: pl.DataFrame, nearby: pl.DataFrame) -> pl.DataFrame:
    """Return all nearby events of slates that no click or read quotes; for others, those on opened articles."""
    opened = quoted.filter(pl.col("kind").is_in(_OPENS)).select("slate", "article").unique()
    without_quotes = nearby.join(opened.select("slate").unique(), on="slate", how="anti")
    return pl.concat([without_quotes, nearby.join(opened, on=["slate", "article"], how="semi")])


def _nearby(shown: pl.DataFrame, events: pl.DataFrame, rule: LabelRule) -> pl.DataFrame:
    slates = shown.select("slate", "reader", "article", "at").sort("at", "slate")
    # a read is known when it ends; it belongs to the slate before it began
    free = events.join(slates.select("slate").unique(), left_on="request_id", right_on="slate", how="anti")
    free = free.with_columns(pl.coalesce("began", "at").alias("at")).sort("at", "known_at")
    joined = free.join_asof(
        slates,
        on="at",
        by=["reader", "article"],
        strategy="backward",
        tolerance=rule.attribute_within,
        check_sortedness=False,  # it is sorted; polars cannot verify that within groups
    )
    return joined.drop_nulls("slate").select(_OUTCOME)


def _per_candidate(outcome: pl.DataFrame) -> pl.DataFrame:
    kind, value = pl.col("kind"), pl.col("value")
    return outcome.group_by("slate", "article").agg(
        kind.is_in(_OPENS).any().alias("opened"),
        kind.is_in(_LIKES).any().alias("liked"),
        kind.is_in(_HIDES).any().alias("hidden"),
        value.filter(kind == "read").sum().alias("seconds"),
        value.filter(kind == "read").is_not_null().any().alias("timed"),
        value.filter(kind == "scroll").max().fill_null(0.0).alias("scroll"),
        pl.col("deep").sort_by("known_at", "deep").drop_nulls().first(),
    )


def _graded(candidates: pl.DataFrame, rule: LabelRule) -> pl.DataFrame:
    seconds, scroll, enough = pl.col("seconds").clip(0, rule.longest), pl.col("scroll"), pl.col("deep")
    deep = (seconds >= enough) | ((scroll >= rule.deep_scroll) & (seconds >= rule.skim_share * enough))
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
    read = pl.when(pl.col("opened") & pl.col("timed")).then(seconds)
    return candidates.select("slate", "article", label.cast(pl.Int8).alias("label"), read.alias("read"))
