"""`attune ablate`: the AUC lost without each family of features, on days that the trees were not trained on.

Folds are blocks of time: train on all slates before a day, test on that day as in serving. Text features are left
out, because they need a network per fold. `feeds` is the feed ranker: it has no listwise features.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from recsys.errors import DataError
from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import compare, intervals
from recsys.evaluation.data_text import data_text
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.evaluation.scored_slates import ScoredSlates
from recsys.feed.engine import FeedEngine
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable
from recsys.ranking import lambdamart
from recsys.ranking.features.feature_set import FEED_TEXT_FREE, TEXT_FREE, FeatureSet
from recsys.ranking.features.position import POSITION
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.ranking.query import FloatArray
from recsys.store import articles, event_log_reader
from recsys.store.database import Database
from recsys.store.log_contents import log_contents
from recsys.training.ranker_training import PastSlates, past_slates
from recsys.training.training_run import Progress
from recsys.training.tuning import blocks

ALL, FEEDS = "all", "feeds"
TREES, RATE = 150, 0.1
"""Same for every row, without early stopping on the tested days."""

_METRICS = ("auc", "ndcg@10")


def feature_sets() -> Mapping[str, FeatureSet]:
    """Return row → features."""
    families = [family.name for family in TEXT_FREE.families if family.name != POSITION]
    left_out = {f"without {name}": TEXT_FREE.without(name) for name in families}
    return {ALL: TEXT_FREE, **left_out, FEEDS: FEED_TEXT_FREE}


def ablate_families(
    database: Database, until: int | None, config: LambdaMartConfig, progress: Progress
) -> dict[str, Any]:
    """Return each metric by row.

    Mean over the slates of all folds with its interval, and the `difference` to `all`.

    JSON-able. `until`: microseconds, the end of the log if None; folds are the days before it.

    Raises:
        DataError: the log has no impressions, or too few for a fold of a day.
    """
    slates, end = _slates(database, until, progress)
    folds = blocks(slates, end)
    readers = slates.readers[len(slates.at) - sum(len(late.sizes) for _, late in folds) :]
    values_by_row: dict[str, dict[str, FloatArray]] = {}
    for done, (name, features) in enumerate(feature_sets().items(), start=1):
        parts = [_evaluated(early, late, features, config) for early, late in folds]
        values_by_row[name] = {metric: np.concatenate([part[metric] for part in parts]) for metric in _METRICS}
        progress("families", done, len(feature_sets()))
    rows = {
        name: {
            **{metric: asdict(interval) for metric, interval in intervals(values, readers).items()},
            "difference": asdict(compare(values["auc"], values_by_row[ALL]["auc"], readers)),
        }
        for name, values in values_by_row.items()
    }
    sizes = [len(late.sizes) for _, late in folds]
    return {"until": end, "folds": sizes, "readers": len(np.unique(readers)), "rows": rows}


def _slates(database: Database, until: int | None, progress: Progress) -> tuple[PastSlates, int]:
    with database.read() as connection:
        span = event_log_reader.slate_span(connection)
        if span is None:
            found = data_text(log_contents(connection))
            raise DataError(f"the log has {found}: `attune ingest` impressions, which an ablation needs")
        end = span[1] + 1 if until is None else until
        everything, _ = articles.upserted_since(connection, 0)
        labelled_requests = load_labelled_requests(connection, span[0], end, everything, end)
        with Replay(connection, end) as log:
            return past_slates(
                FeedEngine(state=log.state, vectors=VectorTable()), log, labelled_requests, progress
            ), end


def _evaluated(
    early: RankingData, late: RankingData, features: FeatureSet, config: LambdaMartConfig
) -> Mapping[str, FloatArray]:
    """Return each metric of each slate of `late` [s]."""
    ranker = lambdamart.refit(early, features, config, TREES)
    offsets = np.concatenate([[0], np.cumsum(late.sizes)]).astype(np.int64)
    scored = ScoredSlates(ranker.score(late.features), late.labels, offsets)
    return {metric: metrics.RANKING[metric](scored) for metric in _METRICS}
