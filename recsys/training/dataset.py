"""Training data: labelled slates, articles with their vectors, and the split."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.protocols import Encoder
from recsys.errors import DataError
from recsys.evaluation.data_text import data_text
from recsys.evaluation.labelled_slates import LabelledRequests, load_requests
from recsys.projection.vector_table import ensure_vectors
from recsys.store import articles, event_log_reader
from recsys.store.database import Database
from recsys.store.log_contents import LogContents, log_contents
from recsys.training.training_run import Labels, Progress, Split, split, with_clicks


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled slates in order of time, articles with their vectors [n, d], the split, and counts of the log.

    learnable: number of slates with a clicked and another article. unseen: number of slates that are left out,
    because nobody can have seen them.
    """

    labelled_requests: pl.DataFrame
    articles: pl.DataFrame
    vectors: NDArray[np.float32]
    when: Split
    contents: LogContents
    learnable: int
    unseen: int

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
        DataError: fewer than two slates have both a click and a non-click.
    """
    with database.read() as connection:
        span = event_log_reader.slate_span(connection)
        if span is None:
            raise DataError(f"{_has(log_contents(connection))}, but no impressions to learn from: {_NEEDED}")
        when = split(span[0], until if until is not None else span[1] + 1)
        everything, _ = articles.upserted_since(connection, 0)
        contents = log_contents(connection, when.until)
        requests = load_requests(connection, when.start, when.until, everything, when.until)
    labelled_requests = requests.frame
    if labels == "clicks":
        labelled_requests = labelled_requests.with_columns(pl.col("labels").list.eval(pl.element().clip(0, 1)))
    learnable = _learnable(requests, contents)
    when = with_clicks(when, learnable)
    vectors = ensure_vectors(
        database, encoder, everything, lambda done, total: progress("articles encoded", done, total)
    )
    return Corpus(labelled_requests, everything, vectors, when, contents, len(learnable), requests.unseen)


def _learnable(requests: LabelledRequests, contents: LogContents) -> NDArray[np.int64]:
    """Return the times of the slates that can train a ranker, those with both a click and a non-click, sorted."""
    labels = pl.col("labels").list
    times = requests.frame.filter((labels.max() > 0) & (labels.min() == 0))["at"].sort()
    if times.n_unique() < 2:
        unseen = f" ({requests.unseen:,} that nobody saw are left out)" if requests.unseen else ""
        raise DataError(f"{_has(contents)}, but {times.len()} impressions to learn from{unseen}: {_NEEDED}")
    return times.to_numpy()


def _has(contents: LogContents) -> str:
    return f"the log has {data_text(contents)}"


_NEEDED = (
    "a training needs at least two impressions with both a clicked and another article, at different times; "
    "ingest impressions and the clicks on them, in which events quote the id of their impression as request_id"
)
