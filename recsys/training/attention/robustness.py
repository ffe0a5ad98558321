"""What damage costs the ranking, and what each arm wins back: interest match by content, with damaged titles.

A share of the articles is damaged, as candidates and in histories alike; nothing is trained on the slates, so the
vectors alone make the difference. Every comparison is on the same slates and the same damage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.attention.calibrator import Calibrator
from recsys.attention.noise import Injector, NoiseKind
from recsys.encoder.bert import TextEncoder
from recsys.preference.content import ContentMatcher
from recsys.preference.data import PreferenceData
from recsys.training.attention.arms import ARMS, OFF, ORACLE, encode_by_arm
from recsys.training.attention.damage import damaged_titles, injector_of, tokenised
from recsys.training.preference import mean_auc
from recsys.training.progress import Progress

MIXED = "all kinds"
SHARES = (0.1, 0.3, 0.6)
"""Damaged share of the articles; each kind alone is measured at the middle one."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trial:
    """What is measured on.

    articles: n rows, columns of `frames.ARTICLES`; places: row of each in the vectors that `data` speaks of [n];
    folds: which of the calibrators reads each article [n]: the one that was not trained on it.
    """

    encoder: TextEncoder
    calibrators: Sequence[Calibrator]
    articles: pl.DataFrame
    places: NDArray[np.int64]
    folds: NDArray[np.int64]
    data: PreferenceData


def robustness(trial: Trial, seeds: int, progress: Progress) -> dict[str, Any]:
    """AUC by arm on undamaged articles, by kind of damage and by share of damaged articles; mean of `seeds` draws.

    For every damage also `lost` (AUC of `off` against undamaged) and `recovered`, the share of it each arm wins
    back, with the standard error over the draws.
    """
    injector = injector_of(trial.encoder, trial.articles)
    kinds: dict[str, tuple[Sequence[NoiseKind], float]] = {kind.value: ((kind,), 0.3) for kind in NoiseKind}
    kinds |= {f"{MIXED}, {share:.0%}": (tuple(NoiseKind), share) for share in SHARES}
    clean = _encoded(trial, [None] * trial.articles.height, injector, 0)
    undamaged = {arm: _auc(trial, clean[arm]) for arm in ARMS}
    damages = {}
    for number, (name, (among, share)) in enumerate(kinds.items(), start=1):
        draws = [_draw(trial, clean, among, share, injector, seed) for seed in range(seeds)]
        damages[name] = _summary(undamaged[OFF], draws)
        progress("robustness: kinds of damage", number, len(kinds))
    return {"slates": len(trial.data.usable()), "seeds": seeds, "undamaged": undamaged, "damaged": damages}


def _draw(
    trial: Trial,
    clean: Mapping[str, Vectors],
    among: Sequence[NoiseKind],
    share: float,
    injector: Injector,
    seed: int,
) -> dict[str, float]:
    """AUC by arm with a random `share` of the articles damaged."""
    rng = np.random.default_rng([seed, round(100 * share), len(among)])
    chosen = np.flatnonzero(rng.random(trial.articles.height) < share)
    kinds = [among[kind] for kind in rng.integers(len(among), size=len(chosen))]
    part = replace(trial, articles=trial.articles[chosen], places=trial.places[chosen], folds=trial.folds[chosen])
    hurt = _encoded(part, kinds, injector, seed)
    out = {}
    for arm in ARMS:
        # a perfect detector leaves undamaged articles alone
        vectors = clean[OFF if arm == ORACLE else arm].copy()
        vectors[chosen] = hurt[arm]
        out[arm] = _auc(trial, vectors)
    return out


def _encoded(trial: Trial, kinds: Sequence[NoiseKind | None], injector: Injector, seed: int) -> dict[str, Vectors]:
    """Vectors [n, d] of the trial's articles, damaged as told, by arm."""
    out = {arm: np.zeros((trial.articles.height, trial.encoder.dim), dtype=np.float32) for arm in ARMS}
    for fold, calibrator in enumerate(trial.calibrators):
        rows = np.flatnonzero(trial.folds == fold)
        articles = trial.articles[rows]
        titles = damaged_titles(articles, [kinds[row] for row in rows.tolist()], injector, seed)
        texts = tokenised(trial.encoder, articles, titles)
        for arm, vectors in encode_by_arm(trial.encoder, calibrator, texts, seed).items():
            out[arm][rows] = vectors
    return out


def _auc(trial: Trial, vectors: Vectors) -> float:
    """Mean AUC per slate of the content match with `vectors` [n, d] of the trial's articles."""
    data, matcher = trial.data, ContentMatcher()
    known = max(int(data.candidates.max()), int(data.reads.max()), int(trial.places.max())) + 1
    table = np.zeros((known, vectors.shape[1]), dtype=np.float32)
    table[trial.places] = vectors
    slates = data.usable()
    scores = []
    for slate in slates:
        reads, shown = data.reads[slate], data.candidates[data.offsets[slate] : data.offsets[slate + 1]]
        cosines_nh = table[shown] @ table[reads[reads >= 0]].T
        scores.append(matcher.of_cosines(cosines_nh.astype(np.float64)).scores)
    return mean_auc(data, slates, scores)


def _summary(undamaged: float, draws: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    aucs = {arm: np.asarray([draw[arm] for draw in draws]) for arm in ARMS}
    lost = undamaged - aucs[OFF]
    gains = {arm: aucs[arm] - aucs[OFF] for arm in ARMS if arm != OFF}
    return {
        "auc": {arm: float(values.mean()) for arm, values in aucs.items()},
        "lost": float(lost.mean()),
        "recovered": {arm: float(gain.mean() / lost.mean()) for arm, gain in gains.items()},
        "gain": {arm: [float(gain.mean()), _standard_error(gain)] for arm, gain in gains.items()},
    }


def _standard_error(values: NDArray[np.float64]) -> float | None:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
