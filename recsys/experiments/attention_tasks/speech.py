"""Speech: spoken words by the encoder of a small Whisper, with damaged frames.

Data: words spoken by `espeak-ng` (a Debian package) in several voices, speeds and pitches, as log-mel spectrograms.
"""

import io
import itertools
import shutil
import subprocess
import wave
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import WhisperConfig, WhisperFeatureExtractor
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from recsys.calibration.input_statistics import Inputs
from recsys.calibration.model_calibrator import Batch, pooled
from recsys.calibration.training_loop import FitConfig
from recsys.errors import ConfigError
from recsys.experiments.attention_tasks.parts import run_mask, scattered_mask, split, train
from recsys.training.calibration.model_task import Damaged, Examples

WORDS = (
    "yes no up down left right on off stop go one two three four five six seven eight nine zero "
    "bed bird cat dog house tree happy follow learn visual"
).split()

_VOICES = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029")
_VARIANTS = ("", "+f2", "+m3", "+f4")
_SPEEDS = (140, 190)
_RATE, _MELS, _FRAMES = 16_000, 40, 80
_POSITIONS = _FRAMES // 2  # the convolutions of the encoder halve the frames
_RUN = 10
_FIT = FitConfig(epochs=14, batch=32, learning_rate=1e-3)


class _Classifier(torch.nn.Module):
    def __init__(self, encoder: WhisperEncoder, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = torch.nn.Linear(encoder.config.d_model, classes)
        self.config = encoder.config

    def set_attn_implementation(self, name: str) -> None:
        """Switch the attention of the encoder."""
        self.encoder.set_attn_implementation(name)


class SpeechModel:
    """Whisper encoder with a linear head on the mean of its frames."""

    def __init__(self, network: _Classifier) -> None:
        self.network = network

    def inputs(self, batch: Batch) -> Inputs:
        """Return the keys: two frames each."""
        keys = torch.ones(len(batch["input_features"]), _POSITIONS, dtype=torch.bool)
        return Inputs(keys, keys)

    def outputs(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:
        """Return the logits of the words (B, C)."""
        hidden_BTD = self.network.encoder(batch["input_features"]).last_hidden_state
        logits: torch.Tensor = self.network.head(pooled(hidden_BTD, self.inputs(batch).present, weights))
        return logits


class SpokenWords:
    """Task of spoken words, with an encoder trained on undamaged ones."""

    trained_kinds = ("noise", "silence")
    held_out_kinds = ("doubled frames", "another word", "scattered noise")

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        frames, labels, group = spoken_words()
        batch = {"input_features": torch.from_numpy(frames), "labels": torch.from_numpy(labels)}
        learning, self.training, self.validation, self.test = split(batch, group, rng)
        torch.manual_seed(seed)
        encoder = WhisperEncoder(
            WhisperConfig(
                d_model=64,
                encoder_layers=3,
                encoder_attention_heads=4,
                encoder_ffn_dim=128,
                num_mel_bins=_MELS,
                max_source_positions=_POSITIONS,
                is_encoder_decoder=False,
            )
        )
        self.model = model = SpeechModel(_Classifier(encoder, len(WORDS)))
        cross_entropy = torch.nn.functional.cross_entropy
        train(model, learning, lambda part, weights: cross_entropy(model.outputs(part, weights), part["labels"]), _FIT)

    def damage(self, examples: Examples, kind: str, rng: np.random.Generator) -> Damaged:
        """Damage ten of the forty positions (0.2 of 0.8 seconds) of every word, mostly in one run."""
        frames = examples.batch["input_features"].numpy()
        count = len(frames)
        if kind == "scattered noise":
            mask = scattered_mask(np.ones((count, _POSITIONS), dtype=np.bool_), _RUN, rng)
        else:
            mask = run_mask(count, _POSITIONS, _RUN, rng)
        wide = np.repeat(mask, 2, axis=1)[:, None]
        damaged = _doubled(frames, mask) if kind == "doubled frames" else _replaced(frames, wide, kind, rng)
        batch = {**examples.batch, "input_features": torch.from_numpy(damaged.astype(np.float32))}
        return Damaged(batch, mask)

    def score(self, outputs: torch.Tensor, batch: Batch) -> NDArray[np.float64]:
        """Return 1 where the word is right [n]."""
        return (outputs.argmax(dim=-1) == batch["labels"]).double().numpy()


@cache
def spoken_words() -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Return log-mel frames [n, 40, 80] of spoken words, their words [n] and sources [n].

    Raises:
        ConfigError: espeak-ng is not installed.
    """
    if shutil.which("espeak-ng") is None:
        raise ConfigError("spoken words need espeak-ng: on Debian and Ubuntu 'apt-get install espeak-ng'")
    extractor = WhisperFeatureExtractor(feature_size=_MELS, sampling_rate=_RATE, chunk_length=1)
    frames, labels = [], []
    for (label, word), voice, variant, speed in itertools.product(
        enumerate(WORDS), _VOICES, _VARIANTS, _SPEEDS
    ):
        samples = _spoken(word, voice + variant, speed)
        features = extractor(samples, sampling_rate=_RATE, return_tensors="np")["input_features"][0]
        frames.append(features[:, :_FRAMES].astype(np.float32))
        labels.append(label)
    return np.stack(frames), np.asarray(labels, dtype=np.int64), np.arange(len(labels))


def _spoken(word: str, voice: str, speed: int) -> NDArray[np.float32]:
    """Return the samples of a word at 16 kHz, without leading silence."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", word]  # words and voices are constants
    sound = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603
    with wave.open(io.BytesIO(sound)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).astype(np.float32) / 32_768
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    samples = samples[loud[0] : loud[-1] + 1]
    at = np.arange(0, len(samples) - 1, rate / _RATE)
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)


def _replaced(
    frames: NDArray[np.float32], wide: NDArray[np.bool_], kind: str, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the frames with those of the mask `wide` [n, 1, 80] replaced."""
    if kind == "silence":
        new = np.broadcast_to(frames.min(axis=(1, 2), keepdims=True), frames.shape).astype(np.float64)
    elif kind == "another word":
        new = rng.permutation(frames).astype(np.float64)
    else:
        new = rng.normal(frames.mean(), frames.std(), size=frames.shape)
    return np.where(wide, new, frames)


def _doubled(frames: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the frames with those before the run of `mask` [n, 40] repeated, and the rest of the word later."""
    start = 2 * mask.argmax(axis=1)[:, None]
    position = np.arange(_FRAMES)
    source = np.where(position < start, position, np.maximum(position - 2 * _RUN, 0))
    return np.take_along_axis(frames, source[:, None, :], axis=2).astype(np.float64)
