"""`attune train`: from the log to vectors, preference network, rankers, and a published bundle."""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from recsys.domain import WebhookEvent, iso
from recsys.encoder.protocols import Encoder
from recsys.errors import StoreError
from recsys.labels.sampled_slates import ANY_AGE_DAYS, Sampling
from recsys.models import bundle as bundles
from recsys.models.bundle import Bundle
from recsys.ranking.age_support import AgeSupport
from recsys.settings import Settings
from recsys.store import webhook_outbox
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.database import Database
from recsys.tracking.mlflow_mirror import require_mlflow
from recsys.tracking.run_log import record_training
from recsys.training.age_support_training import ShownAges, learn_age_support, missed_fading
from recsys.training.calibration.calibrate_articles import calibrate_articles
from recsys.training.dataset import Corpus, load_corpus
from recsys.training.manifest import new_version
from recsys.training.preference_fit import fit_preference
from recsys.training.rankers import TrainedRankers, train_rankers
from recsys.training.stage_profile import ProfiledProgress
from recsys.training.trained_parts import TrainedParts
from recsys.training.training_run import Progress, TrainingOptions, silent
from recsys.training.tuning import require_optuna


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
    preference = fit_preference(database, raw, settings, watched)
    raw = preference.corpus
    with watched.stage("article calibration"):
        articles = calibrate_articles(database, encoder, raw, preference.interest, settings.seed, watched)
    rankers = train_rankers(database, articles.corpus, preference.matcher, settings, options, watched)
    ages = _age_support(articles.corpus, rankers)
    parts = TrainedParts(raw, preference, articles, rankers, ages)

    def write(folder: Path) -> dict[str, Any]:
        return parts.write(folder, encoder, settings, options, watched.as_list())

    bundle = bundles.publish(settings.home, new_version(), write)
    reasons = rankers.failures if settings.behaviour_gate else []
    if rankers.choice.better_baseline is None and not reasons:
        bundles.activate(settings.home, bundle.version)
    announce_outcome(database, bundle.version, rankers.choice.better_baseline, reasons)
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


def _age_support(corpus: Corpus, rankers: TrainedRankers) -> AgeSupport | None:
    """Return the ages that the slates support; None if they were made of clicks and random articles."""
    if corpus.sampled is not None:
        return None
    shown = ShownAges.of(corpus.labelled_requests, corpus.articles, rankers.examination.curve)
    ages = learn_age_support(shown)
    return ages and replace(ages, missed=missed_fading(ages, shown, rankers.feed_scores))
