"""`attune train`: from the log to vectors, preference network, rankers, and a published bundle."""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.domain import WebhookEvent, iso
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import Encoder
from recsys.encoder.text_coverage import TextCoverage, text_coverage
from recsys.errors import StoreError
from recsys.labels.sampled_slates import ANY_AGE_DAYS, Sampling
from recsys.models import bundle as bundles
from recsys.models.bundle import Bundle
from recsys.models.calibrator_io import write_calibration
from recsys.models.model_loader import AGES, USER_MODEL, VECTOR_SPACE
from recsys.projection.log_replay import Replay
from recsys.projection.replay_segments import ReplayWorkers
from recsys.projection.vector_table import VectorTable, align_vectors
from recsys.ranking.age_support import AgeSupport
from recsys.settings import Settings
from recsys.store import webhook_outbox
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.database import Database
from recsys.threads import threads
from recsys.tracking.mlflow_mirror import require_mlflow
from recsys.tracking.run_log import record_training
from recsys.training.age_support_training import ShownAges, learn_age_support, missed_fading
from recsys.training.calibration.calibrate_articles import Interest, calibrate_articles
from recsys.training.calibration.click_noise import Articles
from recsys.training.calibration.history_gate import gate_histories
from recsys.training.data_warnings import data_warnings, text_warnings
from recsys.training.dataset import Corpus, load_corpus
from recsys.training.interest_figures import InterestFigures, interest_figures
from recsys.training.manifest import manifest, new_version
from recsys.training.prequential_matcher import PrequentialMatcher
from recsys.training.rankers import TrainedRankers, train_rankers
from recsys.training.reader_histories import collect
from recsys.training.stage_profile import ProfiledProgress
from recsys.training.training_run import Progress, TrainingOptions, silent
from recsys.training.tuning import require_optuna
from recsys.training.user_model_training import train_preference
from recsys.training.vector_space_gate import SpaceGate, gate_space
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork


def train(
    database: Database,
    settings: Settings,
    encoder: Encoder,
    until: int | None = None,
    progress: Progress = silent,
    options: TrainingOptions = TrainingOptions(),  # noqa: B008 - frozen
) -> Bundle:
    """Train on data known before `until` (microseconds; all if None), and publish a bundle.

    The bundle becomes active unless a baseline is clearly better on the validation slice.

    Raises:
        DataError: there is nothing to train on.
        EncoderError: the encoder cannot be loaded.
        ConfigError: bundles cannot be written to the home folder, or an option needs a missing package.
    """
    bundles.prepare(settings.home)
    if options.tune:
        require_optuna()
    require_mlflow()
    sampling = Sampling(settings.max_article_age_days or ANY_AGE_DAYS, settings.seed)
    watched = ProfiledProgress(progress)
    with watched.stage("log and article vectors"):
        raw = load_corpus(database, encoder, until, watched, options.labels, sampling)
        raw = raw.newest(settings.train_slates)
    preference = _fit_preference(database, raw, settings, watched)
    raw, matcher = preference.corpus, preference.matcher
    with watched.stage("article calibration"):
        articles = calibrate_articles(database, encoder, raw, preference.interest, settings.seed, watched)
    corpus = articles.corpus
    trees = train_rankers(database, corpus, matcher, settings, options, watched)
    weights = matcher.newest
    ages = _age_support(corpus, trees)

    def write(folder: Path) -> dict[str, Any]:
        weights.save(folder / USER_MODEL)
        corpus.space.save(folder / VECTOR_SPACE)
        trees.write(folder)
        entries = manifest(
            settings, encoder.name, corpus, weights.config.as_dict(), trees.calibration, trees.metrics
        )
        attention = {"articles": articles.figures, "history": preference.history}
        if articles.calibration is not None:
            attention = write_calibration(articles.calibration, attention, folder)
        coverage = _coverage(encoder, raw)
        warnings = [
            *data_warnings(trees.choice, corpus),
            *trees.failures,
            *text_warnings(corpus, settings.encoder, coverage),
        ]
        entries[AGES] = None if ages is None else ages.as_dict()
        entries["texts"] = asdict(coverage)
        entries["vector_space"] = preference.space.as_dict()
        entries["interests"] = None if preference.interests is None else preference.interests.as_dict()
        entries["profile"] = watched.as_list()
        return {**entries, **trees.as_dict(options), "attention": attention, "warnings": warnings}

    bundle = bundles.publish(settings.home, new_version(), write)
    reasons = trees.failures if settings.behaviour_gate else []
    if trees.choice.better_baseline is None and not reasons:
        bundles.activate(settings.home, bundle.version)
    announce_outcome(database, bundle.version, trees.choice.better_baseline, reasons)
    try:
        given = {"until": None if until is None else iso(until), **asdict(options)}
        record_training(database, settings, bundle, given)
    except StoreError as error:  # the bundle is published: the training did not fail
        logging.getLogger(__name__).warning("the training is not recorded: %s", error)
    return bundle


def announce_outcome(
    database: Database, version: str, better_baseline: str | None, failures: Sequence[str] = ()
) -> None:
    """Record the activation of a new bundle, and notify webhooks of it or of what prevented it.

    better_baseline: name of a better baseline; failures: sentences of failed checks of behaviour.
    """
    with database.write() as connection:
        if better_baseline is None and not failures:
            activated = AuditRow.now("train", AuditAction.MODEL_ACTIVATED, version)
            webhook_outbox.record_activation(connection, activated)
        else:
            failure: dict[str, Any] = {"version": version, "better_baseline": better_baseline}
            failure |= {"failures": list(failures)} if failures else {}
            webhook_outbox.announce(connection, WebhookEvent.GATE_FAILED, failure, time.time_ns() // 1_000)


def _age_support(corpus: Corpus, trees: TrainedRankers) -> AgeSupport | None:
    """Return the ages that the slates support; None if they were made of clicks and random articles."""
    if corpus.sampled is not None:
        return None
    shown = ShownAges.of(corpus.labelled_requests, corpus.articles, trees.examination.curve)
    ages = learn_age_support(shown)
    return ages and replace(ages, missed=missed_fading(ages, shown, trees.feed_scores))


def _coverage(encoder: Encoder, raw: Corpus) -> TextCoverage:
    """Return the counts of what the encoder cannot read; zeros if its tokenizer is not known."""
    if not isinstance(encoder, LazyEncoder):
        return TextCoverage()
    return text_coverage(encoder.loaded(), raw.articles, raw.vectors)


@dataclass(frozen=True, slots=True)
class _FittedPreference:
    """Trained preference networks.

    corpus: with the space of vectors that passed its gate; matcher: with the history calibration that passed its
    gate; history: result of that gate.
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


def _fit_preference(
    database: Database, corpus: Corpus, settings: Settings, progress: ProfiledProgress
) -> _FittedPreference:
    when = corpus.when
    # products of a single slate are small: a second thread of OpenBLAS only spins
    with progress.stage("histories and vector space"), threads(settings.threads):
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
    return _FittedPreference(corpus, matcher, interest, gate, interests, figures)


def _collect(database: Database, corpus: Corpus, workers: ReplayWorkers, progress: Progress) -> _Histories:
    with database.read() as connection, Replay(connection, corpus.when.until) as log:
        table = align_vectors(log.state, corpus.articles, corpus.vectors, corpus.space)
        data = collect(log, table, corpus.labelled_requests, progress, workers)
        articles = Articles.of(log.state, table, corpus.when.until)
        rows = log.state.articles.lookup(corpus.articles["id"].to_list()).astype(np.int64)
    return _Histories(table, data, articles, rows)
