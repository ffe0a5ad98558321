"""Newest slates of a log with reading histories, for measurements without training."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.protocols import Encoder
from recsys.errors import DataError
from recsys.evaluation.data_text import data_text
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import align_vectors, ensure_vectors
from recsys.store import articles as article_store
from recsys.store.database import Database
from recsys.store.event_log_reader import slate_span
from recsys.store.log_contents import log_contents
from recsys.training.calibration.click_noise import Articles
from recsys.training.reader_histories import collect
from recsys.training.training_run import Progress
from recsys.user_model.preference_data import PreferenceData


@dataclass(frozen=True, slots=True)
class Newest:
    """Newest slates with all articles.

    stored: all articles, n rows with the columns of `frames.ARTICLES`; rows: of each in `articles` [n]; data:
    slates in those rows; articles: vectors and reading times.
    """

    stored: pl.DataFrame
    rows: NDArray[np.int64]
    data: PreferenceData
    articles: Articles


def newest_slates(database: Database, encoder: Encoder, most: int, progress: Progress) -> Newest:
    """Return the newest `most` slates, and all articles with vectors of `encoder`.

    Raises:
        DataError: there are no slates, or none has a history, a click and a non-click.
        EncoderError: an article has no vector and the encoder cannot be loaded.
    """
    with database.read() as connection:
        span = slate_span(connection)
        stored, _ = article_store.upserted_since(connection, 0)
        contents = log_contents(connection)
    if span is None:
        raise DataError(f"the log has {data_text(contents)}: `attune ingest` impressions, which are needed here")
    encoded = ensure_vectors(database, encoder, stored)
    with database.read() as connection:
        labelled_requests = load_labelled_requests(connection, span[0], span[1] + 1, stored, span[1] + 1).tail(
            most
        )
        with Replay(connection) as log:
            table = align_vectors(log.state, stored, encoded)
            data = collect(log, table, labelled_requests, progress)
            articles = Articles.of(log.state, table, span[1])
            rows = log.state.articles.lookup(stored["id"].to_list()).astype(np.int64)
    if not len(data.usable()):
        raise DataError("no impression has a history, a click and a non-click")
    return Newest(stored, rows, data, articles)
