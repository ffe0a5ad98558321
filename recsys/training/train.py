"""`attune train`: the log → vectors → preference network → reranker → a published bundle."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys import bundle as bundles
from recsys.bundle import Bundle
from recsys.encoder.device import threads
from recsys.encoder.port import Encoder
from recsys.evaluation.probability import Platt, fit_platt
from recsys.evaluation.replay import Answers, replay
from recsys.evaluation.report import beats_popularity, figures
from recsys.evaluation.systems import systems
from recsys.feed.calibrated import write_calibration
from recsys.feed.engine import FeedEngine
from recsys.feed.follow import Replay
from recsys.feed.trained import OF_FEEDS, PREFERENCE, write_trees
from recsys.feed.vectors import vector_table
from recsys.preference.matcher import save_network
from recsys.reranker.features.schema import FEED_FEATURES, FEED_WITHOUT_CONTENT
from recsys.reranker.lambdamart import LambdaMartConfig
from recsys.settings import Settings
from recsys.store import audit
from recsys.store.audit import Act, AuditRow
from recsys.store.database import Database
from recsys.training.attention.calibrate import Interest, calibrate_articles
from recsys.training.attention.clicks import Articles
from recsys.training.attention.history import gate_histories
from recsys.training.content import ContentGate
from recsys.training.corpus import Corpus, load_corpus
from recsys.training.manifest import manifest, new_version, register
from recsys.training.options import TrainingOptions
from recsys.training.preference import PrequentialMatcher, collect, train_preference
from recsys.training.progress import Progress, silent
from recsys.training.reranker import PastSlates, Rerankers, past_slates, retrain_rerankers, train_rerankers
from recsys.training.tune import require_optuna, tuned
from recsys.training.value import Unvalued, Valued, train_value


def train(
    database: Database,
    settings: Settings,
    encoder: Encoder,
    until: int | None = None,
    progress: Progress = silent,
    options: TrainingOptions = TrainingOptions(),  # noqa: B008 - it is frozen
) -> Bundle:
    """Train on what was known before `until` (microseconds; everything if None), and publish.

    The bundle becomes the active one unless it loses to plain popularity on the validation slice.

    Raises:
        DataError: there is nothing to learn from.
        EncoderError: the encoder cannot be loaded.
        ConfigError: bundles cannot be written to the home, or what `options` ask for is not installed.
    """
    bundles.prepare(settings.home)
    if options.tune:
        require_optuna()
    raw = load_corpus(database, encoder, until, progress, options.labels)
    matcher, interest, history = _fit_preference(database, raw, settings, progress)
    articles = calibrate_articles(database, encoder, raw, interest, settings.seed, progress)
    corpus = articles.corpus
    config = replace(LambdaMartConfig(seed=settings.seed), seeds=options.seeds)
    with threads(settings.threads):
        slates = _past_slates(database, corpus, matcher, progress)
        if options.tune:
            config = tuned(slates, corpus.when.until, config, options.tune, settings.home, progress)
        judged = train_rerankers(slates, corpus.when.validate_from, config, progress)
        judgement, clicks, vectors = _validate(database, corpus, matcher, judged, progress)
    content = ContentGate.of(judgement)
    answers = content.served(judgement)
    calibration = {name: fit_platt(scores, answers.labels > 0) for name, scores in answers.scores.items()}
    # no calibration error here: the probabilities were fitted on these very answers
    metrics = figures(answers, {}, vectors, clicks)
    rerankers = retrain_rerankers(slates, judged, content.on, config, progress)
    price = settings.minute_price if options.labels == "graded" else 0.0
    valued = _value(slates, corpus, content, config, price, calibration[OF_FEEDS])
    network = matcher.newest

    def write(folder: Path) -> dict[str, Any]:
        save_network(network, folder / PREFERENCE)
        reading = valued.reading if isinstance(valued, Valued) else None
        write_trees(rerankers.full, rerankers.without_content, rerankers.feed, reading, folder)
        told = manifest(settings, encoder.name, corpus, network.config.as_dict(), calibration, metrics)
        told["content"] = content.as_dict()
        told["trees"] = {"options": asdict(options), "config": asdict(config)}
        told["value"] = valued.as_dict()
        figures = {"articles": articles.figures, "history": history}
        if articles.calibration is None:
            return {**told, "attention": figures}
        return {**told, "attention": write_calibration(articles.calibration, figures, folder)}

    bundle = bundles.publish(settings.home, new_version(), write)
    register(database, bundle)
    if beats_popularity(answers):
        bundles.activate(settings.home, bundle.version)
        with database.write() as connection:
            audit.record(connection, AuditRow.now("train", Act.MODEL_ACTIVATED, bundle.version))
    return bundle


def _fit_preference(
    database: Database, corpus: Corpus, settings: Settings, progress: Progress
) -> tuple[PrequentialMatcher, Interest, dict[str, Any]]:
    """The networks with the calibration of histories that passed its gate, and what the gate found."""
    when = corpus.when
    with database.read() as connection, Replay(connection, when.until) as log:
        table = vector_table(log.state, corpus.articles, corpus.vectors)
        data = collect(log, table, corpus.questions, progress)
        articles = Articles.of(log.state, table, when.until)
        rows = log.state.articles.lookup(corpus.articles["id"].to_list()).astype(np.int64)
    matcher = train_preference(data, table, when, settings.seed, settings.device, progress)
    progress("history calibration", 1, 1)
    slates = data.between(when.validate_from, when.until)
    config, figures = gate_histories(matcher.newest, data, slates, articles, settings.seed)
    matcher.calibrate(config)
    return matcher, Interest(matcher.newest, data, rows), figures


def _value(
    slates: PastSlates,
    corpus: Corpus,
    content: ContentGate,
    config: LambdaMartConfig,
    share: float,
    chance: Platt,
) -> Valued | Unvalued:
    if not share:
        return Unvalued("minutes have no price: it is set to 0, or labels are of clicks alone")
    features = FEED_FEATURES if content.on else FEED_WITHOUT_CONTENT
    return train_value(slates, corpus.when.validate_from, features, config, share, chance)


def _past_slates(
    database: Database, corpus: Corpus, matcher: PrequentialMatcher, progress: Progress
) -> PastSlates:
    with database.read() as connection, Replay(connection, corpus.when.until) as log:
        engine = _engine(log, corpus, matcher)
        return past_slates(engine, log, corpus.questions, progress)


def _validate(
    database: Database, corpus: Corpus, matcher: PrequentialMatcher, judged: Rerankers, progress: Progress
) -> tuple[Answers, NDArray[np.float64], NDArray[np.float32]]:
    """What every system says of the validation slice, clicks of each article before it, and article vectors."""
    questions = corpus.validation
    with database.read() as connection, Replay(connection, corpus.when.until) as log:
        engine = _engine(log, corpus, matcher)
        clicks = log.clicks_before(corpus.when.validate_from)
        table = systems(judged.full, judged.without_content, judged.feed)
        answers = replay(engine, log, questions, table, lambda done: progress("validation", done, len(questions)))
    return answers, clicks, engine.vectors.matrix


def _engine(log: Replay, corpus: Corpus, matcher: PrequentialMatcher) -> FeedEngine:
    return FeedEngine(log.state, vector_table(log.state, corpus.articles, corpus.vectors), matcher)
