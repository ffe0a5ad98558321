"""Training data: labelled slates, articles with their vectors, and the split."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.protocols import Encoder
from recsys.encoder.vector_space import VectorSpace
from recsys.errors import DataError
from recsys.evaluation.data_text import data_text
from recsys.evaluation.labelled_slates import LabelledRequests, load_requests, load_sampled_requests
from recsys.labels.sampled_slates import Sampling
from recsys.projection.vector_table import ensure_vectors
from recsys.store import articles, event_log_reader
from recsys.store.database import Connection, Database
from recsys.store.log_contents import LogContents, click_span, log_contents
from recsys.training.training_run import Labels, Progress, Split, split, with_clicks


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled slates in order of time, articles with their raw vectors [n, d], the split, and counts of the log.

    space: of the vectors in rankings, fitted on articles that were published before the end of training.
    learnable: number of slates with a clicked and another article. unseen: number of slates that are left out,
    because nobody can have seen them. sampled: how negatives were drawn; None if the slates were shown.
    """

    labelled_requests: pl.DataFrame
    articles: pl.DataFrame
    vectors: NDArray[np.float32]
    space: VectorSpace
    when: Split
    contents: LogContents
    learnable: int
    unseen: int
    sampled: Sampling | None = None

    @property
    def published(self) -> NDArray[np.float32]:
        """Return the raw vectors of the articles that were published before the end of training."""
        return _published(self.articles, self.vectors, self.when)

    @property
    def validation(self) -> pl.DataFrame:
        """Return the slates of the validation slice."""
        return self.labelled_requests.filter(pl.col("at") >= self.when.validate_from)

    def newest(self, most: int) -> "Corpus":
        """Return the corpus with the newest `most` slates only, which bounds the memory of a training.

        The state is still folded from the whole log.
        """
        if self.labelled_requests.height <= most:
            return self
        requests = self.labelled_requests.tail(most)
        learnable = _learnable(requests)
        if len(np.unique(learnable)) < 2:
            return self
        when = with_clicks(replace(self.when, start=int(requests["at"][0])), learnable)
        return replace(self, labelled_requests=requests, when=when, learnable=len(learnable))


def load_corpus(
    database: Database,
    encoder: Encoder,
    until: int | None,
    progress: Progress,
    labels: Labels = "graded",
    sampling: Sampling = Sampling(),  # noqa: B008 - frozen
) -> Corpus:
    """Load and label the slates known before `until` (microseconds; all if None), and encode all articles.

    If they are too few to learn from, each click becomes a slate with negatives drawn by `sampling`. With
    `labels="clicks"`, every label above 0 becomes 1.

    Raises:
        DataError: fewer than two slates have both a click and a non-click.
    """
    with database.read() as connection:
        everything, _ = articles.upserted_since(connection, 0)
        when, requests = _shown_or_sampled(connection, everything, until, sampling)
        contents = log_contents(connection, when.until)
    labelled_requests = requests.frame
    if labels == "clicks":
        labelled_requests = labelled_requests.with_columns(pl.col("labels").list.eval(pl.element().clip(0, 1)))
    learnable = _learnable(labelled_requests)
    if len(np.unique(learnable)) < 2:
        unseen = f" ({requests.unseen:,} that nobody saw are left out)" if requests.unseen else ""
        raise DataError(f"{_has(contents)}, but {len(learnable)} impressions to learn from{unseen}: {_NEEDED}")
    when = with_clicks(when, learnable)
    vectors = ensure_vectors(
        database, encoder, everything, lambda done, total: progress("articles encoded", done, total)
    )
    return Corpus(
        labelled_requests=labelled_requests,
        articles=everything,
        vectors=vectors,
        space=VectorSpace.fit(_published(everything, vectors, when), sampling.seed),
        when=when,
        contents=contents,
        learnable=len(learnable),
        unseen=requests.unseen,
        sampled=sampling if requests.sampled else None,
    )


def _published(everything: pl.DataFrame, vectors: NDArray[np.float32], when: Split) -> NDArray[np.float32]:
    early = everything["published_at"].fill_null(when.start) < when.until
    return np.asarray(vectors[early.to_numpy()])


def _shown_or_sampled(
    connection: Connection, everything: pl.DataFrame, until: int | None, sampling: Sampling
) -> tuple[Split, LabelledRequests]:
    """Return the shown slates with their split, or those of clicks if too few were shown to learn from."""
    shown, clicked = event_log_reader.slate_span(connection), click_span(connection)
    if shown is None and clicked is None:
        raise DataError(f"{_has(log_contents(connection))}, but nothing to learn from: {_NEEDED}")
    found = None
    if shown is not None:
        when = split(shown[0], shown[1] + 1 if until is None else until)
        found = when, load_requests(connection, when.start, when.until, everything, when.until)
        if clicked is None or len(np.unique(_learnable(found[1].frame))) >= 2:
            return found
    assert clicked is not None
    when = split(clicked[0], clicked[1] + 1 if until is None else until)
    sampled = load_sampled_requests(connection, 0, when.until, everything, when.until, sampling)
    if found is not None and len(_learnable(sampled.frame)) < 2:
        return found
    return when, sampled


def _learnable(requests: pl.DataFrame) -> NDArray[np.int64]:
    """Return the times of the slates that can train a ranker, those with both a click and a non-click, sorted."""
    labels = pl.col("labels").list
    return requests.filter((labels.max() > 0) & (labels.min() == 0))["at"].sort().to_numpy()


def _has(contents: LogContents) -> str:
    return f"the log has {data_text(contents)}"


_NEEDED = (
    "a training needs at least two impressions with both a clicked and another article, at different times, or "
    "two clicks on stored articles while others were available; run `attune ingest` on impressions and events"
)
