"""`attune attention ablate`: effect of each part of the calibration on the ranking of logged slates.

Every row replays the same slates with the bundle's networks and trees; nothing is trained again.

off       raw vectors, and histories as in the training of the network
heads     D1's weighted average on anomalous heads
tokens    D2's gate
fields    abstracts that contradict their headline count less
history   the network's attention calibrated as the bundle's gate chose; η = 1 if it chose nothing
all       all four

The content match, one feature of the full system, weights reads by dwell in every row: it is part of that feature.
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
from recsys.domain import iso
from recsys.encoder.article_text import ArticleText, article_texts
from recsys.encoder.body_reading import reads_bodies
from recsys.encoder.calibrated_encoder import weighted_context
from recsys.encoder.field_concat import concat_fields, context_vectors, encode_context_fields
from recsys.encoder.protocols import ModelEncoder, TokenEncoder, Vectors
from recsys.errors import BundleError
from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import compare, intervals
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.run_evaluation import ComparedSystems, EncodedArticles, TimeWindow, replay_window
from recsys.evaluation.systems import FULL_SYSTEM, NETWORK, systems
from recsys.models.model_loader import TrainedSystem
from recsys.projection.vector_table import CHUNK
from recsys.store import articles
from recsys.store.database import Database
from recsys.training.calibration.ablation_arms import (
    ALL,
    HEADS,
    OFF,
    STRENGTHS,
    TOKENS,
    encode_by_arm,
    suspicious_headlines,
)
from recsys.training.calibration.title_corruption import DamagedTexts
from recsys.training.training_run import Progress
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.network_weights import PreferenceConfig, PreferenceWeights

FIELDS, HISTORY = "fields", "history"
SYSTEMS = (FULL_SYSTEM, NETWORK)

_ROWS: Mapping[str, tuple[str, bool]] = {
    OFF: (OFF, False),
    HEADS: (HEADS, False),
    TOKENS: (TOKENS, False),
    FIELDS: (FIELDS, False),
    HISTORY: (OFF, True),
    ALL: (ALL, True),
}
"""Row → encoding of its articles, and True if its histories are calibrated."""

_ARMS = (OFF, HEADS, TOKENS, ALL)
_ASSUMED = 1.0
"""η of a bundle whose gate left histories uncalibrated: the mildest tested value."""

Aucs = Mapping[str, NDArray[np.float64]]
"""AUC of each slate [s], by system."""


def ablate(
    database: Database, encoder: ModelEncoder, system: TrainedSystem, window: TimeWindow, progress: Progress
) -> dict[str, Any]:
    """Return the AUC of the full system and of its network by row, as a JSON object.

    `data` describes the data; `articles` and `history` have the strengths `applied`, and those `served` with the
    bundle; `rows` has by row and system the AUC with its 95% interval over readers, and the paired `difference` to
    `off`.

    Raises:
        BundleError: the bundle has no calibrator.
        DataError: there is no slate in the window.
        EncoderError: the encoder cannot be loaded.
    """
    calibrator, weights = _parts(system)
    with database.read() as connection:
        everything, _ = articles.upserted_since(connection, 0)
    start_time = time.monotonic()
    texts = article_texts(everything, reads_bodies(encoder.name))
    vectors = _encoded(encoder.loaded(), calibrator, texts, progress)
    on = _history(weights.config)
    replayed = {}
    for row, (arm, calibrated) in _ROWS.items():
        config = on if calibrated else weights.config.uncalibrated()
        models = replace(system.models, matcher=NetworkMatcher(weights.calibrated(config)))
        served = replace(system, models=models)
        entry = partial(_report, progress, row)
        replayed[row] = _replayed(database, everything, vectors[arm], served, window, entry)
    readers = replayed[OFF].readers
    return {
        "data": {
            "from": iso(window.start),
            "to": iso(window.end),
            "impressions": len(readers),
            "readers": int(readers.max()) + 1,
            "articles": everything.height,
        },
        "bundle": system.version,
        "seconds": round(time.monotonic() - start_time, 2),
        "articles": {
            "applied": asdict(replace(STRENGTHS[ALL], fields=True)),
            "served": asdict(calibrator.strength),
        },
        "history": {"applied": _strengths(on), "served": _strengths(weights.config)},
        "rows": _rows({row: _aucs(each) for row, each in replayed.items()}, readers),
    }


def _parts(system: TrainedSystem) -> tuple[Calibrator, PreferenceWeights]:
    if system.calibration is None or not isinstance(system.models.matcher, NetworkMatcher):
        entry = system.manifest.get("attention", {}).get("articles", {})
        reason = entry.get("why", "it was trained before there were any")
        raise BundleError(f"bundle {system.version} has no calibrator, so nothing can be ablated: {reason}")
    return system.calibration.calibrator, system.models.matcher.weights


def _encoded(
    encoder: TokenEncoder, calibrator: Calibrator, texts: Sequence[ArticleText], progress: Progress
) -> Mapping[str, Vectors]:
    """Return vectors [n, 3d] of undamaged articles by arm; adjusted headlines are encoded twice."""
    parts, weighing = [], replace(calibrator, strength=replace(calibrator.strength, fields=True))
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        tokens = encoder.tokenize([text.headline for text in chunk])
        context = encode_context_fields(encoder, chunk)
        undamaged = DamagedTexts(tokens, [[False] * len(line) for line in tokens], context_vectors(context))
        # no arm here uses random numbers
        by_arm = {**encode_by_arm(encoder, calibrator, undamaged, seed=0, arms=_ARMS)}
        by_arm[FIELDS] = by_arm[OFF]
        suspicious = suspicious_headlines(by_arm)
        weighted = {arm: weighted_context(weighing, by_arm[arm], context, suspicious) for arm in (FIELDS, ALL)}
        parts.append({arm: concat_fields(by_arm[arm], weighted.get(arm, context)) for arm in (*_ARMS, FIELDS)})
        progress("articles encoded", min(start + CHUNK, len(texts)), len(texts))
    return {arm: np.concatenate([part[arm] for part in parts]) for arm in (*_ARMS, FIELDS)}


def _history(config: PreferenceConfig) -> PreferenceConfig:
    """Return the gate's configuration, or the mildest dwell weight if that is the identity."""
    off = config.uncalibrated()
    return replace(off, dwell_weight=_ASSUMED) if config == off else config


def _strengths(config: PreferenceConfig) -> dict[str, float]:
    return {"temperature": config.temperature, "dwell_weight": config.dwell_weight, "keep": config.keep}


def _report(progress: Progress, row: str, stage: str, done: int, total: int | None) -> None:
    progress(f"{row}: {stage}", done, total)


def _replayed(
    database: Database,
    everything: pl.DataFrame,
    vectors: Vectors,
    system: TrainedSystem,
    window: TimeWindow,
    progress: Progress,
) -> ReplayScores:
    table = systems({FULL_SYSTEM: system.models.listwise})
    compared = ComparedSystems(system, {name: table[name] for name in SYSTEMS})
    return replay_window(database, EncodedArticles(everything, vectors), compared, window, progress).scores


def _aucs(replayed: ReplayScores) -> Aucs:
    return {name: metrics.auc(replayed.slates(name)) for name in SYSTEMS}


def _rows(aucs: Mapping[str, Aucs], readers: NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    return {row: {name: _row(aucs, row, name, readers) for name in SYSTEMS} for row in aucs}


def _row(aucs: Mapping[str, Aucs], row: str, name: str, readers: NDArray[np.int64]) -> dict[str, Any]:
    values, off = aucs[row][name], aucs[OFF][name]
    auc = asdict(intervals({"auc": values}, readers)["auc"])
    return {"auc": auc} if row == OFF else {"auc": auc, **asdict(compare(values, off, readers))}
