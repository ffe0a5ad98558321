"""Data of an adaptation from the store: texts known before the cut-off, reads in one session, choices on slates.

An article is available from its publication on, or, without a time of publication, from its first appearance in
the log. An article that was not available before the cut-off is never read. Training uses articles and clicks from
before the validation slice only.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.adaptation.click_history import ClickHistory
from recsys.adaptation.slate_choices import SlateChoices
from recsys.adaptation.text_bank import TextBank
from recsys.domain import EventKind
from recsys.encoder.article_text import article_texts
from recsys.errors import DataError
from recsys.evaluation.labelled_slates import load_requests
from recsys.store import articles, event_log_reader
from recsys.store.database import Connection, Database
from recsys.store.log_contents import LogContents, click_span, log_contents
from recsys.training.training_run import Progress, Split, split

_ALWAYS = 2**62

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AdaptationData:
    """Data of an adaptation; articles are rows of `bank`.

    learnable: articles to learn the language from, [n]; together: pairs read in one session [p, 2]; choices,
    validation: slates before and in the validation slice; when: the split, None without a log; contents: counts
    of the log; left_out: stored articles that were not available before the cut-off.
    """

    bank: TextBank
    learnable: Ints
    together: Ints
    choices: SlateChoices
    validation: SlateChoices
    when: Split | None
    contents: LogContents
    left_out: int


def load_adaptation_data(database: Database, until: int | None, progress: Progress) -> AdaptationData:
    """Load what was known before `until` (microseconds; everything if None).

    Raises:
        DataError: no article was available by then, or the log begins later.
    """
    progress("log", 0, 1)
    with database.read() as connection:
        stored, _ = articles.upserted_since(connection, 0, with_body=True)
        if stored.is_empty():
            raise DataError("there are no articles to adapt to: run `attune ingest` first")
        when = _when(connection, until)
        contents = log_contents(connection, until if when is None else when.until)
        clicks, first_seen = _clicks_and_first_seen(connection, until if when is None else when.until)
        slates = None
        if when is not None:
            slates = load_requests(connection, when.start, when.until, stored, when.until).frame
    cut_off = until if until is not None else _ALWAYS
    known, available_at = _available(stored, first_seen, cut_off)
    if known.is_empty():
        raise DataError("no article was published, or is in the log, before --until: choose a later one")
    rows = known.select("id").with_row_index("row").select("id", pl.col("row").cast(pl.Int64))
    history = ClickHistory.of(clicks.join(rows, left_on="article", right_on="id", how="inner"))
    validate_from = cut_off if when is None else when.validate_from
    learnable = np.flatnonzero(available_at < validate_from)
    early, late = _choices(slates, rows, history, validate_from)
    progress("log", 1, 1)
    return AdaptationData(
        bank=TextBank.of(article_texts(known)),
        learnable=learnable,
        together=history.read_together(validate_from),
        choices=early,
        validation=late,
        when=when,
        contents=contents,
        left_out=stored.height - known.height,
    )


def _when(connection: Connection, until: int | None) -> Split | None:
    """Return the split of the slates, or of the clicks if nothing was shown; None without either."""
    span = event_log_reader.slate_span(connection) or click_span(connection)
    if span is None:
        return None
    return split(span[0], span[1] + 1 if until is None else until)


def _clicks_and_first_seen(connection: Connection, until: int | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return all clicks (reader, article, at, known_at), and when each article first appeared (id, seen_at)."""
    columns = ["reader", "article", "at", "known_at"]
    clicks = [pl.DataFrame(schema={name: event_log_reader.EVENT_COLUMNS[name] for name in columns})]
    seen = [pl.DataFrame(schema={"id": pl.String, "seen_at": pl.Int64})]
    for chunk in event_log_reader.stream(connection, until=until):
        of_article = chunk.events.filter(pl.col("article").is_not_null())
        clicks.append(of_article.filter(pl.col("kind") == EventKind.CLICK.value).select(columns))
        shown = chunk.slates.select(id="candidates", seen_at="known_at").explode("id")
        appeared = pl.concat([of_article.select(id="article", seen_at="known_at"), shown])
        seen.append(appeared.group_by("id").agg(pl.col("seen_at").min()))
    return pl.concat(clicks), pl.concat(seen).group_by("id").agg(pl.col("seen_at").min())


def _available(stored: pl.DataFrame, first_seen: pl.DataFrame, cut_off: int) -> tuple[pl.DataFrame, Ints]:
    """Return the articles available before `cut_off`, or shown before it, and since when [n].

    Without a cut-off, an article that has no time at all counts as old.
    """
    undated = 0 if cut_off == _ALWAYS else _ALWAYS
    joined = stored.join(first_seen, on="id", how="left", maintain_order="left")
    joined = joined.with_columns(since=pl.coalesce("published_at", "seen_at", pl.lit(undated, dtype=pl.Int64)))
    known = joined.filter((pl.col("since") < cut_off) | pl.col("seen_at").is_not_null())
    return known.drop("since", "seen_at"), known["since"].to_numpy().astype(np.int64)


def _choices(
    slates: pl.DataFrame | None, rows: pl.DataFrame, history: ClickHistory, validate_from: int
) -> tuple[SlateChoices, SlateChoices]:
    """Return the choices before `validate_from`, and later ones."""
    if slates is None:
        slates = pl.DataFrame(
            schema={
                "id": pl.String,
                "reader": pl.String,
                "at": pl.Int64,
                "candidates": pl.List(pl.String),
                "labels": pl.List(pl.Int8),
            }
        )
    early = pl.col("at") < validate_from
    return (
        SlateChoices.of(slates.filter(early), rows, history),
        SlateChoices.of(slates.filter(~early), rows, history),
    )
