"""Preference networks of a training run: space of vectors, training, and calibration of histories."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.cpu_threads import cpu_threads
from recsys.projection.log_replay import Replay
from recsys.projection.replay_segments import ReplayWorkers
from recsys.projection.vector_table import VectorTable, align_vectors
from recsys.settings import Settings
from recsys.store.database import Database
from recsys.training.calibration.calibrate_articles import Interest
from recsys.training.calibration.click_noise import Articles
from recsys.training.calibration.history_gate import gate_histories
from recsys.training.dataset import Corpus
from recsys.training.interest_figures import InterestFigures, interest_figures
from recsys.training.prequential_matcher import PrequentialMatcher
from recsys.training.reader_histories import collect
from recsys.training.stage_profile import ProfiledProgress
from recsys.training.training_run import Progress
from recsys.training.user_model_training import train_preference
from recsys.training.vector_space_gate import SpaceGate, gate_space
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork


@dataclass(frozen=True, slots=True)
class FittedPreference:
    """Trained preference networks.

    corpus: with the space of vectors that passed its gate, `space`; matcher: with the history calibration that
    passed its gate, `history`; interests: figures of what the networks learned.
    """

    corpus: Corpus
    matcher: PrequentialMatcher
    interest: Interest
    space: SpaceGate
    interests: InterestFigures | None
    history: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Histories:
    """Slates with histories. table: article vectors; rows: of the corpus's articles in both [n]."""

    table: VectorTable
    data: PreferenceData
    articles: Articles
    rows: NDArray[np.int64]


def fit_preference(
    database: Database, corpus: Corpus, settings: Settings, progress: ProfiledProgress
) -> FittedPreference:
    """Choose the space of article vectors, train the networks, and calibrate their histories."""
    when = corpus.when
    # products of a single slate are small: a second thread of OpenBLAS only spins
    with progress.stage("histories and vector space"), cpu_threads(settings.threads):
        histories = _collect(database, corpus, ReplayWorkers.of(settings), progress)
        gate = gate_space(histories.data, corpus, histories.rows, settings.seed)
        if gate.space is not corpus.space:
            corpus = replace(corpus, space=gate.space)
            histories = _collect(database, corpus, ReplayWorkers.of(settings), progress)
    data = histories.data
    with progress.stage("preference network"):
        matcher = train_preference(data, histories.table, when, settings.seed, settings.device, progress)
    progress("history calibration", 1, 1)
    with progress.stage("history calibration"):
        slates = data.between(when.validate_from, when.until)
        network = PreferenceNetwork.of(matcher.newest)
        config, figures = gate_histories(network, data, slates, histories.articles, settings.seed)
        matcher.calibrate(config)
    interest = Interest(network.calibrated(config), data, histories.rows)
    interests = interest_figures(interest.network, data, slates, histories.table.matrix)
    return FittedPreference(corpus, matcher, interest, gate, interests, figures)


def _collect(database: Database, corpus: Corpus, workers: ReplayWorkers, progress: Progress) -> _Histories:
    with database.read() as connection, Replay(connection, corpus.when.until) as log:
        table = align_vectors(log.state, corpus.articles, corpus.vectors, corpus.space)
        data = collect(log, table, corpus.labelled_requests, progress, workers)
        articles = Articles.of(log.state, table, corpus.when.until)
        rows = log.state.articles.lookup(corpus.articles["id"].to_list()).astype(np.int64)
    return _Histories(table, data, articles, rows)
