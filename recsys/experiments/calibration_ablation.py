"""`attune attention ablate`: what each part of the calibration does to the ranking of logged slates.

Every row replays the same slates with the bundle's networks and trees, of which nothing is trained again.

off       raw vectors, and histories as the network was trained on them
heads     D1's weighted average on the heads that are off
tokens    D2's gate
history   the network's attention calibrated as the bundle's gate chose; if it chose nothing, η = 1
all       all three

The content match, one feature of the full system, weighs reads by dwell in every row: that is part of it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.calibration.calibrator import Calibrator
from recsys.encoder.article_text import ArticleText, article_texts
from recsys.encoder.field_concat import concat_fields, encode_context_fields
from recsys.encoder.protocols import ModelEncoder, TokenEncoder, Vectors
from recsys.errors import BundleError
from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import compare, intervals
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.run_evaluation import EncodedArticles, TimeWindow, iso, replay_window
from recsys.evaluation.systems import FULL_SYSTEM, NETWORK, systems
from recsys.models.model_loader import TrainedSystem
from recsys.projection.vector_table import CHUNK
from recsys.store import articles
from recsys.store.database import Database
from recsys.training.calibration.ablation_arms import ALL, HEADS, OFF, STRENGTHS, TOKENS, encode_by_arm
from recsys.training.calibration.title_corruption import DamagedTexts
from recsys.training.training_run import Progress
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.network_weights import PreferenceConfig, PreferenceWeights

HISTORY = "history"
SYSTEMS = (FULL_SYSTEM, NETWORK)

_ROWS: Mapping[str, tuple[str, bool]] = {
    OFF: (OFF, False),
    HEADS: (HEADS, False),
    TOKENS: (TOKENS, False),
    HISTORY: (OFF, True),
    ALL: (ALL, True),
}
"""Row → how its articles are read, and whether its histories are calibrated."""

_ARMS = (OFF, HEADS, TOKENS, ALL)
_ASSUMED = 1.0
"""η of a bundle whose gate left histories alone: the mildest that was tried."""

Aucs = Mapping[str, NDArray[np.float64]]
"""By system: of each slate [s]."""


def ablate(
    database: Database, encoder: ModelEncoder, system: TrainedSystem, window: TimeWindow, progress: Progress
) -> dict[str, Any]:
    """AUC of the full system and of its network alone by row, as a JSON object.

    `data` says on what, `articles` and `history` the strengths `applied`, and those `served` with the bundle,
    `rows` has by row and system the AUC with its 95% interval over readers, and the paired `difference` to `off`.

    Raises:
        BundleError: the bundle brings no calibrator.
        DataError: no slate lies in the stretch.
        EncoderError: the encoder cannot be loaded.
    """
    calibrator, weights = _parts(system)
    with database.read() as connection:
        everything, _ = articles.changed_since(connection, 0)
    began = time.monotonic()
    vectors = _encoded(encoder.loaded(), calibrator, article_texts(everything), progress)
    on = _history(weights.config)
    answers = {}
    for row, (arm, calibrated) in _ROWS.items():
        config = on if calibrated else weights.config.uncalibrated()
        served = replace(system, matcher=NetworkMatcher(weights.calibrated(config)))
        told = partial(_told, progress, row)
        answers[row] = _replayed(database, everything, vectors[arm], served, window, told)
    readers = answers[OFF].readers
    return {
        "data": {
            "from": iso(window.start),
            "to": iso(window.end),
            "impressions": len(readers),
            "readers": int(readers.max()) + 1,
            "articles": everything.height,
        },
        "bundle": system.version,
        "seconds": round(time.monotonic() - began, 2),
        "articles": {"applied": asdict(STRENGTHS[ALL]), "served": asdict(calibrator.strength)},
        "history": {"applied": _strengths(on), "served": _strengths(weights.config)},
        "rows": _rows({row: _aucs(each) for row, each in answers.items()}, readers),
    }


def _parts(system: TrainedSystem) -> tuple[Calibrator, PreferenceWeights]:
    if system.calibration is None or not isinstance(system.matcher, NetworkMatcher):
        told = system.manifest.get("attention", {}).get("articles", {})
        why = told.get("why", "it was trained before there were any")
        raise BundleError(f"bundle {system.version} brings no calibrator, so nothing can be ablated: {why}")
    return system.calibration.calibrator, system.matcher.weights


def _encoded(
    encoder: TokenEncoder, calibrator: Calibrator, texts: Sequence[ArticleText], progress: Progress
) -> Mapping[str, Vectors]:
    """Vectors [n, 3d] of undamaged articles by arm: each headline is watched, and read again if adjusted."""
    parts = []
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        tokens = encoder.tokenize([text.headline for text in chunk])
        whole = DamagedTexts(tokens, [[False] * len(line) for line in tokens])
        # no arm here draws numbers
        by_arm, others = (
            encode_by_arm(encoder, calibrator, whole, seed=0, arms=_ARMS),
            encode_context_fields(encoder, chunk),
        )
        parts.append({arm: concat_fields(by_arm[arm], others) for arm in _ARMS})
        progress("articles encoded", min(start + CHUNK, len(texts)), len(texts))
    return {arm: np.concatenate([part[arm] for part in parts]) for arm in _ARMS}


def _history(config: PreferenceConfig) -> PreferenceConfig:
    """What the gate chose, or, that the row says something, the mildest dwell weight."""
    off = config.uncalibrated()
    return replace(off, dwell_weight=_ASSUMED) if config == off else config


def _strengths(config: PreferenceConfig) -> dict[str, float]:
    return {"temperature": config.temperature, "dwell_weight": config.dwell_weight, "keep": config.keep}


def _told(progress: Progress, row: str, stage: str, done: int, total: int | None) -> None:
    progress(f"{row}: {stage}", done, total)


def _replayed(
    database: Database,
    everything: pl.DataFrame,
    vectors: Vectors,
    system: TrainedSystem,
    window: TimeWindow,
    progress: Progress,
) -> ReplayScores:
    table = systems(system.ranker, None)
    asked = {name: table[name] for name in SYSTEMS}
    return replay_window(database, EncodedArticles(everything, vectors), system, asked, window, progress)[0]


def _aucs(answers: ReplayScores) -> Aucs:
    return {name: metrics.auc(answers.slates(name)) for name in SYSTEMS}


def _rows(aucs: Mapping[str, Aucs], readers: NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    return {row: {name: _row(aucs, row, name, readers) for name in SYSTEMS} for row in aucs}


def _row(aucs: Mapping[str, Aucs], row: str, name: str, readers: NDArray[np.int64]) -> dict[str, Any]:
    values, off = aucs[row][name], aucs[OFF][name]
    auc = asdict(intervals({"auc": values}, readers)["auc"])
    return {"auc": auc} if row == OFF else {"auc": auc, **asdict(compare(values, off, readers))}
