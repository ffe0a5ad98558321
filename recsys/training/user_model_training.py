"""Training of the preference network from the log: no slate is scored by a network trained on it.

Training is prequential: day by day, the network first scores a day and then trains on it. The rankers train on
these out-of-time scores. The last network trains on until the validation slice stops improving, and is served.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.encoder.device import choose_device
from recsys.evaluation import metrics
from recsys.evaluation.scored_slates import ScoredSlates
from recsys.feed.user_history import LENGTH
from recsys.projection.vector_table import VectorTable
from recsys.settings import Device
from recsys.training.prequential_matcher import PrequentialMatcher
from recsys.training.training_run import Progress, Split
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.network_weights import INTERESTS, PreferenceConfig
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork
from recsys.user_model.trainer import FitConfig, Trainer

_PASSES_PER_BLOCK = 1
_PAST = 3
"""Largest number of earlier slates in the pass of a day, for each slate of that day: passes over everything would
take a time that grows with the square of the days."""


def train_preference(
    data: PreferenceData, vectors: VectorTable, when: Split, seed: int, device: Device, progress: Progress
) -> PrequentialMatcher:
    """Train block by block; the last matcher is the one to serve."""
    config = FitConfig(seed=seed)
    trainer = make_trainer(data, vectors, config, device)
    starts, matchers = [0], [NetworkMatcher(trainer.network.weights())]
    blocks = when.blocks()
    for number, (start, end) in enumerate(blocks, start=1):
        progress("preference network: days", number, len(blocks))
        trainer.fit_evidence(data.between(start, end))  # before training on them
        newest, past = data.between(start, end), data.between(when.start, start)
        for _ in range(_PASSES_PER_BLOCK):
            trainer.epoch(np.concatenate([_sampled(past, _PAST * len(newest), [seed, number]), newest]))
        if number < len(blocks):
            starts.append(end)
            matchers.append(NetworkMatcher(trainer.network.weights()))
    validation = data.between(when.validate_from, when.until)
    trainer.fit_with_early_stopping(
        data.between(when.start, when.validate_from),
        quality=lambda: _auc(trainer, data, validation),
        on_epoch=lambda epoch, auc: progress(f"preference network: auc {auc:.4f}", epoch + 1, config.epochs),
    )
    trainer.fit_evidence(validation)
    return PrequentialMatcher(
        np.asarray([*starts, when.validate_from], dtype=np.int64),
        [*matchers, NetworkMatcher(trainer.network.weights())],
    )


def _sampled(slates: NDArray[np.int64], most: int, seed: Sequence[int]) -> NDArray[np.int64]:
    """Return up to `most` of `slates`, drawn at random, in their order."""
    if len(slates) <= most:
        return slates
    return np.sort(np.random.default_rng(seed).choice(slates, size=most, replace=False))


def make_trainer(
    data: PreferenceData,
    vectors: VectorTable,
    config: FitConfig,
    device: Device,
    interests: int = INTERESTS,
) -> Trainer:
    """Return a trainer of a new network for these vectors; the seed determines its first weights."""
    import torch

    torch.manual_seed(config.seed)
    sizes = PreferenceConfig(dim=vectors.matrix.shape[1], history=LENGTH, interests=interests)
    network = PreferenceNetwork(sizes)
    network.project_on(vectors.space.axes)
    return Trainer(network, data, vectors.matrix, config, choose_device(device))


def _auc(trainer: Trainer, data: PreferenceData, slates: NDArray[np.int64]) -> float:
    if not len(slates):
        return 0.0
    return mean_auc(data, slates, trainer.scores(slates))


def mean_auc(data: PreferenceData, slates: NDArray[np.int64], scores: Sequence[NDArray[np.float64]]) -> float:
    """Return the mean AUC per slate of `scores`: one array of all candidates for each of `slates` [m], m ≥ 1."""
    return metrics.mean(slate_aucs(data, slates, scores))


def slate_aucs(
    data: PreferenceData, slates: NDArray[np.int64], scores: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the AUC of each of `slates` [m] by `scores`: one array of all candidates per slate."""
    labels = [data.labels[data.offsets[slate] : data.offsets[slate + 1]] for slate in slates]
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in labels])]).astype(np.int64)
    return metrics.auc(ScoredSlates(np.concatenate(scores), np.concatenate(labels), offsets))
