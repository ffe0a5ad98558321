"""How well the detectors find damage, by kind: on articles they were not trained on."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score

from recsys.calibration.calibrator import Calibrator, Inspection
from recsys.calibration.token_detector import inner_tokens
from recsys.encoder.bert import TextEncoder
from recsys.training.calibration.fit_detectors import observed
from recsys.training.calibration.text_corruption import TRAINED, NoiseKind
from recsys.training.calibration.title_corruption import DamagedTexts, damaged_titles, injector_of, tokenised


@dataclass(frozen=True, slots=True)
class Found:
    """One detector on one kind: area under the ROC curve, and at its threshold accuracy, recall and F1."""

    auroc: float
    accuracy: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class _Judged:
    """Scores of texts [n] and of words [w] with their thresholds' verdicts, and which words were injected [w]."""

    scores: NDArray[np.float64]
    anomalous: NDArray[np.bool_]
    probability: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    injected: NDArray[np.bool_]


def detection(encoder: TextEncoder, calibrator: Calibrator, articles: pl.DataFrame, seed: int) -> dict[str, Any]:
    """Both detectors on `articles` (columns of `frames.ARTICLES`): false positives, and figures by kind."""
    injector = injector_of(encoder, articles)

    def judged(kind: NoiseKind | None) -> _Judged:
        titles = damaged_titles(articles, [kind] * articles.height, injector, seed)
        return _judged(encoder, calibrator, tokenised(encoder, articles, titles))

    clean = judged(None)
    kinds = {}
    for kind in NoiseKind:
        corrupted = judged(kind)
        kinds[kind.value] = {
            "trained": kind in TRAINED,
            "structure": asdict(_texts(clean, corrupted)),
            "tokens": asdict(_found(corrupted.injected, corrupted.probability, corrupted.flagged)),
        }
    return {
        "articles": articles.height,
        "normal_texts_anomalous": float(clean.anomalous.mean()),
        "normal_words_flagged": float(clean.flagged.mean()),
        "kinds": kinds,
    }


def _judged(encoder: TextEncoder, calibrator: Calibrator, texts: DamagedTexts) -> _Judged:
    found: list[Inspection] = []
    inner, truth = [], []
    for rows, seen in observed(encoder, texts.tokens):
        found.append(calibrator.inspect(seen))
        inner.append(inner_tokens(seen))
        truth.append(texts.grid(rows))
    return _Judged(
        scores=np.concatenate([each.score for each in found]),
        anomalous=np.concatenate([each.anomalous for each in found]),
        probability=_words((each.probability for each in found), inner),
        flagged=_words((each.flagged for each in found), inner),
        injected=_words(truth, inner),
    )


def _words(values: Iterable[NDArray[Any]], inner: list[NDArray[np.bool_]]) -> NDArray[Any]:
    return np.concatenate([each[chosen] for each, chosen in zip(values, inner, strict=True)])


def _texts(clean: _Judged, corrupted: _Judged) -> Found:
    truth = np.repeat([False, True], [len(clean.scores), len(corrupted.scores)])
    scores, verdicts = ((clean.scores, corrupted.scores), (clean.anomalous, corrupted.anomalous))
    return _found(truth, np.concatenate(scores), np.concatenate(verdicts))


def _found(truth: NDArray[np.bool_], scores: NDArray[np.float64], verdicts: NDArray[np.bool_]) -> Found:
    return Found(
        auroc=float(roc_auc_score(truth, scores)),
        accuracy=float(accuracy_score(truth, verdicts)),
        recall=float(recall_score(truth, verdicts)),
        f1=float(f1_score(truth, verdicts)),
    )
