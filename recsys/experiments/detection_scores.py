"""Detection quality by kind of damage, on articles that the detectors were not trained on."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score

from recsys.calibration.calibrator import Calibrator, Inspection
from recsys.calibration.token_detector import inner_tokens
from recsys.encoder.bert import TextEncoder
from recsys.training.calibration.damaged_text import INJECTING, ROTATIONS, NoiseKind
from recsys.training.calibration.fit_detectors import observed
from recsys.training.calibration.text_corruption import TRAINED
from recsys.training.calibration.title_corruption import (
    DamagedTexts,
    contexts_of,
    damaged_titles,
    injector_of,
    tokenised,
)


@dataclass(frozen=True, slots=True)
class DetectionQuality:
    """Quality of one detector on one kind.

    Area under the ROC curve, and accuracy, recall and F1 at its threshold.
    """

    auroc: float
    accuracy: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class _Inspected:
    """Detector results for texts [n] and words [w].

    scores, anomalous: of texts; probability, flagged, injected: of words.
    """

    scores: NDArray[np.float64]
    anomalous: NDArray[np.bool_]
    probability: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    injected: NDArray[np.bool_]


def detection(
    encoder: TextEncoder,
    calibrator: Calibrator,
    articles: pl.DataFrame,
    seed: int,
    rotated: Sequence[Calibrator] = (),
) -> dict[str, Any]:
    """Evaluate both detectors on `articles` (columns of `frames.ARTICLES`).

    False positives, metrics by kind, and in `held_out` the AUROC of the token scorer by kind, scored by the one
    of `rotated` that was not trained on it. rotated: one for each of `ROTATIONS`, trained on its kinds, or none.
    """
    injector, context = injector_of(encoder, articles), contexts_of(encoder, articles)

    def inspected(kind: NoiseKind | None, calibrators: Sequence[Calibrator]) -> list[_Inspected]:
        titles = damaged_titles(articles, [kind] * articles.height, injector, seed)
        return _inspected(encoder, calibrators, tokenised(encoder, articles, titles, context))

    (clean,) = inspected(None, [calibrator])
    kinds, held_out = {}, {}
    for kind in INJECTING:
        others = [each for each, own in zip(rotated, ROTATIONS, strict=False) if kind not in own]
        corrupted, *by_others = inspected(kind, [calibrator, *others])
        kinds[kind.value] = {
            "trained": kind in TRAINED,
            "structure": asdict(_texts(clean, corrupted)),
            "tokens": asdict(_quality(corrupted.injected, corrupted.probability, corrupted.flagged)),
        }
        for seen in by_others:
            held_out[kind.value] = float(roc_auc_score(seen.injected, seen.probability))
    return {
        "articles": articles.height,
        "normal_texts_anomalous": float(clean.anomalous.mean()),
        "normal_words_flagged": float(clean.flagged.mean()),
        "kinds": kinds,
        "held_out": held_out,
    }


def _inspected(encoder: TextEncoder, calibrators: Sequence[Calibrator], texts: DamagedTexts) -> list[_Inspected]:
    """Return the results of each calibrator; the texts are encoded once for all."""
    inspections: list[list[Inspection]] = [[] for _ in calibrators]
    inner, truth = [], []
    for rows, _, seen in observed(encoder, texts):
        for each, calibrator in zip(inspections, calibrators, strict=True):
            each.append(calibrator.inspect(seen))
        inner.append(inner_tokens(seen))
        truth.append(texts.grid(rows))
    return [
        _Inspected(
            scores=np.concatenate([each.score for each in found]),
            anomalous=np.concatenate([each.anomalous for each in found]),
            probability=_words((each.probability for each in found), inner),
            flagged=_words((each.flagged for each in found), inner),
            injected=_words(truth, inner),
        )
        for found in inspections
    ]


def _words(values: Iterable[NDArray[Any]], inner: list[NDArray[np.bool_]]) -> NDArray[Any]:
    return np.concatenate([each[mask] for each, mask in zip(values, inner, strict=True)])


def _texts(clean: _Inspected, corrupted: _Inspected) -> DetectionQuality:
    truth = np.repeat([False, True], [len(clean.scores), len(corrupted.scores)])
    scores, flags = ((clean.scores, corrupted.scores), (clean.anomalous, corrupted.anomalous))
    return _quality(truth, np.concatenate(scores), np.concatenate(flags))


def _quality(truth: NDArray[np.bool_], scores: NDArray[np.float64], flags: NDArray[np.bool_]) -> DetectionQuality:
    return DetectionQuality(
        auroc=float(roc_auc_score(truth, scores)),
        accuracy=float(accuracy_score(truth, flags)),
        recall=float(recall_score(truth, flags)),
        f1=float(f1_score(truth, flags)),
    )
