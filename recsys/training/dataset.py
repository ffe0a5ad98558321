"""Training data: labelled slates, articles with their vectors, and the split."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.protocols import Encoder
from recsys.errors import DataError
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.projection.vector_table import ensure_vectors
from recsys.store import articles, event_log_reader
from recsys.store.database import Database
from recsys.training.training_run import Labels, Progress, Split, split


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled slates in order of time, articles with their vectors [n, d], and the split."""

    labelled_requests: pl.DataFrame
    articles: pl.DataFrame
    vectors: NDArray[np.float32]
    when: Split

    @property
    def validation(self) -> pl.DataFrame:
        """Return the slates of the validation slice."""
        return self.labelled_requests.filter(pl.col("at") >= self.when.validate_from)


def load_corpus(
    database: Database, encoder: Encoder, until: int | None, progress: Progress, labels: Labels = "graded"
) -> Corpus:
    """Load and label the slates known before `until` (microseconds; all if None), and encode all articles.

    With `labels="clicks"`, every label above 0 becomes 1.

    Raises:
        DataError: a slice has no slate with both a click and a non-click.
    """
    with database.read() as connection:
        span = event_log_reader.slate_span(connection)
        if span is None:
            raise DataError("the log has no impressions to learn from: run `attune ingest` on click logs first")
        when = split(span[0], until if until is not None else span[1] + 1)
        everything, _ = articles.upserted_since(connection, 0)
        labelled_requests = load_labelled_requests(connection, when.start, when.until, everything, when.until)
    if labels == "clicks":
        labelled_requests = labelled_requests.with_columns(pl.col("labels").list.eval(pl.element().clip(0, 1)))
    _require_clicks_and_non_clicks(labelled_requests, when)
    vectors = ensure_vectors(
        database, encoder, everything, lambda done, total: progress("articles encoded", done, total)
    )
    return Corpus(labelled_requests, everything, vectors, when)


def _require_clicks_and_non_clicks(labelled_requests: pl.DataFrame, when: Split) -> None:
    labels = pl.col("labels").list
    usable = labelled_requests.filter((labels.max() > 0) & (labels.min() == 0))["at"]
    early = int((usable < when.validate_from).sum())
    if not early or early == usable.len():
        raise DataError(
            "too little to learn from: impressions with both a click and a non-click are needed on two days at "
            f"least, there are {early} before the validation slice and {usable.len() - early} in it; "
            "ingest more behaviour, or choose a later --until"
        )
