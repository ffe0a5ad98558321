"""The digest network: the preference network's attention over the sentences of a text, given a query.

A text is a history: sentences are the reads, and the seconds that reading one takes are its dwell. The layers are
those of `user_model.preference_network`: projection, self-attention, and additive attention with one head. The
query is the candidate. Its match with a sentence (`sentence_features`) enters before self-attention, so that
neighbours see it, and once more after it, as evidence of another match.

The logit of attention is trained on relevance: cross-entropy of the sentences that people marked as the answer to
the query. The weight of a sentence is the probability of that logit; a softmax over the text would give the α of a
feed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recsys.digest.sentence_features import FEATURES, EncodedText
from recsys.state.reading_time import seconds_to_read
from recsys.user_model.network_weights import PreferenceConfig
from recsys.user_model.preference_network import HistoryBatch, PreferenceNetwork

WINDOW = 256
"""Sentences that attend to each other: the cost of self-attention grows with its square."""

_NOISE_WORDS = 3
"""Sentences of fewer words are noise, as bounces are among clicks: "Okay", "Yeah"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestConfig:
    """Sizes of the digest network, and the calibration of its attention, as in `PreferenceConfig`."""

    dim: int = 384
    projected: int = 32
    heads: int = 4
    dropout: float = 0.3
    temperature: float = 1.0
    dwell_weight: float = 0.0

    def preference(self) -> PreferenceConfig:
        """Return the configuration of the preference network inside."""
        return PreferenceConfig(**asdict(self), interests=1, history=WINDOW)

    def uncalibrated(self) -> Self:
        """Return the configuration with identity calibration."""
        return replace(self, temperature=1.0, dwell_weight=0.0)


@dataclass(frozen=True, slots=True)
class SentenceWindows:
    """A text in B windows of H sentences. history: see `HistoryBatch`; features: (B, H, F)."""

    history: HistoryBatch
    features: torch.Tensor


class DigestNetwork(nn.Module):
    """Network from sentences and their match with a query to the logit that each is relevant."""

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, config: DigestConfig) -> None:
        super().__init__()
        self.config = config
        self.preference = PreferenceNetwork(config.preference())
        self.match = nn.Linear(len(FEATURES), config.projected)
        self.evidence = nn.Sequential(nn.Linear(len(FEATURES), 16), nn.Tanh(), nn.Linear(16, 1))
        self.register_buffer("mean", torch.zeros(len(FEATURES)))
        self.register_buffer("spread", torch.ones(len(FEATURES)))

    def forward(self, windows: SentenceWindows) -> torch.Tensor:
        """Return the logits (B, H)."""
        network, history = self.preference, windows.history
        features_BHF = (windows.features - self.mean) / self.spread
        values_BHP = network.values(history)
        seen = network.mix(values_BHP, values_BHP + self.match(features_BHF), history.mask)
        routes_BH1 = values_BHP.new_zeros((*history.mask.shape, 1))
        logits_BH1: torch.Tensor = network.attention_logits(seen, history, routes_BH1) + self.evidence(
            features_BHF
        )
        return logits_BH1[..., 0]

    def calibrate(self, config: DigestConfig) -> None:
        """Change the calibration of attention; the weights stay."""
        self.config = config
        self.preference.config = config.preference()


def windows_of(text: EncodedText, features: NDArray[np.float32]) -> SentenceWindows:
    """Cut a text of at least one sentence into windows; the last is padded."""
    count = len(text)
    rows = -(-count // WINDOW)
    seconds = seconds_to_read(text.words).astype(np.float32)
    ranks = np.argsort(np.argsort(text.words, kind="stable"), kind="stable")
    after = seconds.sum() - seconds.cumsum()
    noise = float((text.words < _NOISE_WORDS).mean())

    def cut(values: NDArray[np.float32], fill: float = 0.0) -> torch.Tensor:
        padding = ((0, rows * WINDOW - count), *((0, 0),) * (values.ndim - 1))
        padded = np.pad(values, padding, constant_values=fill)
        return torch.from_numpy(padded.reshape(rows, WINDOW, *values.shape[1:]))

    places = np.minimum(np.arange(rows * WINDOW), count - 1).reshape(rows, WINDOW)
    history = HistoryBatch(
        vectors=torch.from_numpy(text.vectors),
        rows=torch.from_numpy(places),
        seconds=cut(seconds, np.nan),
        age=cut(after / np.float32(3600)),
        quantile=cut(((ranks + 1) / count).astype(np.float32), np.nan),
        noise=torch.full((rows,), noise),
        mask=cut(np.ones(count, dtype=np.float32)) > 0,
    )
    return SentenceWindows(history, cut(features))


def relevance(network: DigestNetwork, text: EncodedText, columns: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probability [n] that each sentence is relevant, from its `features` [n, F]."""
    windows = windows_of(text, columns)
    with torch.inference_mode():
        logits_N = network(windows)[windows.history.mask]
    return np.asarray(torch.sigmoid(logits_N).numpy(), dtype=np.float64)


def restored(config: DigestConfig, arrays: Mapping[str, NDArray[np.float32]]) -> DigestNetwork:
    """Return the network with these weights, for inference.

    Raises:
        RuntimeError: the arrays do not fit the configuration.
    """
    network = DigestNetwork(config)
    network.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})
    return network.eval()
