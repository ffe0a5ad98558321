"""Damage where it can be seen: topic, neighbours, and cosine of an article's vector to the undamaged one.

Clicks of a few hundred slates cannot tell what damaged headlines cost; the topic of an article can. A linear probe
and the nearest neighbours are fitted on undamaged articles and classify damaged ones, cross-fitted: no article is
classified by anything fitted on it, and its calibrator was trained on other articles. All articles are damaged, by
each kind in turn; with a smaller share, loss and gain shrink alike, so the recovered share is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, recall_score

from recsys.calibration.calibrator import Calibrator
from recsys.calibration.field_weights import FieldWeights, apply_by_fold
from recsys.encoder.article_text import article_texts
from recsys.encoder.bert import TextEncoder
from recsys.encoder.protocols import Vectors
from recsys.encoder.token_batches import encode
from recsys.evaluation.bootstrap import Interval
from recsys.training.calibration.ablation_arms import (
    DROP,
    OFF,
    ORACLE,
    RANDOM,
    TOKENS,
    encode_by_arm,
    suspicious_headlines,
)
from recsys.training.calibration.damaged_text import INJECTING, NOT_INJECTING, NoiseKind
from recsys.training.calibration.text_corruption import TRAINED
from recsys.training.calibration.title_corruption import damaged_titles, injector_of, tokenised
from recsys.training.training_run import Progress

COMPARED = (OFF, TOKENS, RANDOM, DROP, ORACLE)
WEIGHTED = "fields"
"""The gate on tokens, and field weights: only the vector of headline and abstract has them."""

AUGMENTED = "augmented"
"""The model as it is, and a probe that was also fitted on damaged articles."""

HEADLINE, WITH_ABSTRACT = "headline", "headline and abstract"
FIELDS = (HEADLINE, WITH_ABSTRACT)

LEAST_PER_TOPIC = 20
"""Articles of a topic, so that each fold has some; rarer topics are left out."""

NEIGHBOURS = 10
_REGULARISATION = 10.0
_RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class TopicArticles:
    """Articles of known topic.

    articles: n rows, read without their categories; topic: [n]; folds: index of each article's calibrator [n];
    abstract: unit vectors [n, d], zero without one; weights: of the fields, by fold, fitted on the other folds.
    """

    articles: pl.DataFrame
    topic: NDArray[np.str_]
    folds: NDArray[np.int64]
    abstract: Vectors
    weights: Sequence[FieldWeights] = ()

    def weighted(self, headlines_nd: Vectors, flagged: NDArray[np.bool_]) -> "TopicArticles":
        """Return the articles with their abstracts as the field weights count them; flagged: headlines [n]."""
        abstract = apply_by_fold(self.weights, self.folds, headlines_nd, self.abstract, flagged)
        return replace(self, abstract=abstract)

    def vectors(self, headlines_nd: Vectors, fields: str) -> Vectors:
        """Return unit vectors of the articles [n, d or 2d]; the headline replaces a missing abstract."""
        if fields == HEADLINE:
            return headlines_nd
        there = self.abstract
        second = np.where(there.any(axis=1, keepdims=True), there, headlines_nd)
        return np.asarray(np.concatenate([headlines_nd, second], axis=1) / np.sqrt(np.float32(2)))


def topic_articles(encoder: TextEncoder, articles: pl.DataFrame, folds: NDArray[np.int64]) -> TopicArticles | None:
    """Return the articles of topics with at least `LEAST_PER_TOPIC`; None if there are fewer than two topics."""
    counts = articles.group_by("category").len()
    known = counts.filter(pl.col("category").is_not_null() & (pl.col("len") >= LEAST_PER_TOPIC))["category"]
    if len(known) < 2:
        return None
    mask = articles["category"].is_in(known.implode())
    null = pl.lit(None, dtype=pl.String)
    part = articles.filter(mask).with_columns(category=null, subcategory=null)
    topic = articles.filter(mask)["category"].to_numpy().astype(np.str_)
    return TopicArticles(part, topic, folds[mask.to_numpy()], _abstracts(encoder, part))


def topic_fidelity(
    encoder: TextEncoder, calibrators: Sequence[Calibrator], data: TopicArticles, seed: int, progress: Progress
) -> dict[str, Any]:
    """Return, for headlines alone and with abstracts, what each kind of damage costs and each arm wins back.

    Per kind and arm: `accuracy` (probe), `recall` and `f1` (macro), `knn` (accuracy of the nearest neighbours),
    `cosine` to the undamaged vector, and `kept`, the share of the 10 nearest neighbours kept. `mean`: the mean
    loss of accuracy over all kinds, and the share of it that each arm recovers, with 95% intervals over articles.
    `clean`: change of accuracy of undamaged articles.
    """
    headlines = _Headlines(encoder, calibrators, data, seed)
    damaged: dict[NoiseKind | None, Mapping[str, Vectors]] = {None: headlines.by_arm(None)}
    for done, kind in enumerate(INJECTING + NOT_INJECTING, start=1):
        damaged[kind] = headlines.by_arm(kind)
        progress("topics: kinds of damage", done, len(INJECTING + NOT_INJECTING))
    data = replace(data, weights=_fitted_weights(data, damaged[None][OFF]))
    found: dict[str, Any] = {"articles": len(data.topic), "topics": len(np.unique(data.topic)), "fields": {}}
    for fields in FIELDS:
        vectors = {kind: _articles(data, by_arm, fields) for kind, by_arm in damaged.items()}
        if fields == WITH_ABSTRACT:
            other = replace(data, abstract=data.abstract[np.random.default_rng(seed).permutation(len(data.topic))])
            # the gate sees the wrong abstract too, as context
            shown = _Headlines(encoder, calibrators, other, seed).by_arm(None)
            vectors[NoiseKind.ABSTRACT] = _articles(other, shown, fields)
        found["fields"][fields] = _measured(data, vectors, seed)
    return found


@dataclass(frozen=True, slots=True)
class _Headlines:
    encoder: TextEncoder
    calibrators: Sequence[Calibrator]
    data: TopicArticles
    seed: int

    def by_arm(self, kind: NoiseKind | None) -> dict[str, Vectors]:
        """Return headline vectors [n, d] by arm, all damaged by `kind`."""
        articles, folds = self.data.articles, self.data.folds
        out = {arm: np.zeros((articles.height, self.encoder.dim), dtype=np.float32) for arm in COMPARED}
        injector = injector_of(self.encoder, articles)
        for fold, calibrator in enumerate(self.calibrators):
            own = np.flatnonzero(folds == fold)
            titles = damaged_titles(articles[own], [kind] * len(own), injector, self.seed)
            texts = tokenised(self.encoder, articles[own], titles, self.data.abstract[own])
            for arm, vectors in encode_by_arm(self.encoder, calibrator, texts, self.seed, COMPARED).items():
                out[arm][own] = vectors
        return out


@dataclass(frozen=True, slots=True)
class _Probes:
    """One linear probe a fold, fitted on the articles of the other folds, and those articles for neighbours."""

    models: Sequence[LogisticRegression]

    @classmethod
    def fitted(cls, data: TopicArticles, vectors: Vectors, copies: Vectors | None = None) -> "_Probes":
        """Fit on undamaged `vectors` [n, D], and on damaged `copies` [n, D] if given."""
        models = []
        for fold in range(int(data.folds.max()) + 1):
            others = data.folds != fold
            rows = [vectors[others]] if copies is None else [vectors[others], copies[others]]
            model = LogisticRegression(C=_REGULARISATION, max_iter=1_000)
            models.append(model.fit(np.concatenate(rows), np.tile(data.topic[others], len(rows))))
        return cls(models)

    def predicted(self, data: TopicArticles, vectors: Vectors) -> NDArray[np.str_]:
        """Return the topic of each article [n]."""
        out = np.empty_like(data.topic)
        for fold, model in enumerate(self.models):
            own = data.folds == fold
            if own.any():
                out[own] = model.predict(vectors[own])
        return out


def _articles(data: TopicArticles, headlines: Mapping[str, Vectors], fields: str) -> dict[str, Vectors]:
    found = {arm: data.vectors(vectors, fields) for arm, vectors in headlines.items()}
    if fields == WITH_ABSTRACT:
        gated = headlines[TOKENS]
        found[WEIGHTED] = data.weighted(gated, suspicious_headlines(headlines)).vectors(gated, fields)
    return found


def _fitted_weights(data: TopicArticles, headlines: Vectors) -> list[FieldWeights]:
    folds = range(int(data.folds.max()) + 1)
    return [
        FieldWeights.fitted(headlines[data.folds != fold], data.abstract[data.folds != fold]) for fold in folds
    ]


def _measured(
    data: TopicArticles, vectors: Mapping[NoiseKind | None, Mapping[str, Vectors]], seed: int
) -> dict[str, Any]:
    """Return the figures for the vectors [n, D] of one set of fields, by kind and arm; None: undamaged."""
    clean = vectors[None][OFF]
    drawn = np.random.default_rng(seed).integers(len(TRAINED), size=len(data.topic))
    copies = clean.copy()
    for number, kind in enumerate(TRAINED):
        copies[drawn == number] = vectors[kind][OFF][drawn == number]
    probes = {OFF: _Probes.fitted(data, clean), AUGMENTED: _Probes.fitted(data, clean, copies)}
    near = _nearest(data, clean, clean)
    classified = {
        kind: _Classified.of(data, {**by_arm, AUGMENTED: by_arm[OFF]}, probes, (clean, near))
        for kind, by_arm in vectors.items()
    }
    undamaged = classified.pop(None)
    return _summary(undamaged, {kind: each for kind, each in classified.items() if kind is not None})


@dataclass(frozen=True, slots=True)
class _Classified:
    """Correct predictions [n] and figures, by arm."""

    correct: Mapping[str, NDArray[np.bool_]]
    figures: Mapping[str, Mapping[str, float]]

    @classmethod
    def of(
        cls,
        data: TopicArticles,
        vectors: Mapping[str, Vectors],
        probes: Mapping[str, _Probes],
        undamaged: tuple[Vectors, NDArray[np.int64]],
    ) -> "_Classified":
        """Classify vectors [n, D] by arm; `undamaged`: vectors [n, D], and their neighbours [n, NEIGHBOURS]."""
        clean, near = undamaged
        correct, figures = {}, {}
        for arm, given in vectors.items():
            predicted = probes.get(arm, probes[OFF]).predicted(data, given)
            found = _nearest(data, given, clean)
            votes = np.asarray([_majority(data.topic[row]) for row in found])
            correct[arm] = predicted == data.topic
            figures[arm] = {
                "accuracy": float(correct[arm].mean()),
                "recall": float(recall_score(data.topic, predicted, average="macro")),
                "f1": float(f1_score(data.topic, predicted, average="macro")),
                "knn": float((votes == data.topic).mean()),
                "cosine": float((given * clean).sum(axis=1).mean()),
                "kept": float(np.mean([np.isin(a, b).mean() for a, b in zip(found, near, strict=True)])),
            }
        return cls(correct, figures)


def _nearest(data: TopicArticles, vectors: Vectors, clean: Vectors) -> NDArray[np.int64]:
    """Return the rows of the nearest undamaged articles of other folds [n, NEIGHBOURS]."""
    cosines = vectors @ clean.T
    cosines[data.folds[:, None] == data.folds[None, :]] = -np.inf
    return np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def _majority(topics: NDArray[np.str_]) -> str:
    names, counts = np.unique(topics, return_counts=True)
    return str(names[counts.argmax()])


def _summary(clean: _Classified, kinds: Mapping[NoiseKind, _Classified]) -> dict[str, Any]:
    off = clean.correct[OFF].astype(np.float64)
    lost = off - np.mean([each.correct[OFF] for each in kinds.values()], axis=0)
    gains = {
        arm: np.mean([each.correct[arm] for each in kinds.values()], axis=0) - (off - lost)
        for arm in clean.correct
        if arm != OFF
    }
    # a control may also lose on undamaged articles: it is charged for that
    cost = {arm: clean.correct[arm].astype(np.float64) - off for arm in gains}
    return {
        "undamaged": clean.figures,
        "kinds": {kind.value: each.figures for kind, each in kinds.items()},
        "clean": {arm: asdict(_interval(values)) for arm, values in cost.items()},
        "mean": {
            "lost": asdict(_interval(lost)),
            "recovered": {arm: asdict(_interval(gain, lost)) for arm, gain in gains.items()},
        },
    }


def _interval(values: NDArray[np.float64], over: NDArray[np.float64] | None = None) -> Interval:
    """Return the mean of `values` [n], as a share of the mean of `over` [n], with its interval over articles."""
    rng = np.random.default_rng(7)
    drawn = rng.integers(len(values), size=(_RESAMPLES, len(values)))
    sums = values[drawn].mean(axis=1)
    mean = values.mean()
    if over is not None:
        losses = over[drawn].mean(axis=1)
        lost = losses > 0  # the share of nothing is not defined
        sums, mean = sums[lost] / losses[lost], mean / over.mean() if over.mean() > 0 else np.nan
        if not len(sums):
            return Interval(np.nan, np.nan, np.nan)
    low, high = np.quantile(sums, (0.025, 0.975))
    return Interval(float(mean), float(low), float(high))


def _abstracts(encoder: TextEncoder, articles: pl.DataFrame) -> Vectors:
    texts = [text.abstract for text in article_texts(articles)]
    known = [text for text in texts if text]
    out = np.zeros((len(texts), encoder.dim), dtype=np.float32)
    out[[bool(text) for text in texts]] = encode(encoder, known)
    return out
