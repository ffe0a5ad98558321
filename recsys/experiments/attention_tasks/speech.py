"""Speech: spoken words by the encoder of a small Whisper, with damaged frames.

Data: words spoken by `espeak-ng` (a Debian package) in several voices, speeds and pitches, as log-mel
spectrograms.
"""

import io
import itertools
import shutil
import subprocess
import wave
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import WhisperConfig, WhisperFeatureExtractor
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from recsys.calibration.input_statistics import Inputs
from recsys.calibration.model_calibrator import Batch, pooled
from recsys.calibration.training_loop import FitConfig
from recsys.errors import ConfigError
from recsys.experiments.attention_tasks.parts import bursts_mask, train
from recsys.training.calibration.model_task import Damaged, Examples, split

WORDS = (
    "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "one", "two", "three", "four",
    "five", "six", "seven", "eight", "nine", "zero", "bed", "bird", "cat", "dog", "house", "tree", "happy",
    "follow", "learn", "visual",
)  # fmt: skip

_VOICES = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029")
_VARIANTS = ("", "+f2", "+m3", "+f4")
_SPEEDS = (140, 190)
_RATE, _MELS, _FRAMES = 16_000, 40, 80
_POSITIONS = _FRAMES // 2  # the convolutions of the encoder halve the frames
_BURSTS, _BURST = 4, 3
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

    trained_kinds = ("noise", "dropped", "tone")
    held_out_kinds = ("doubled", "hiss")

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
        train(
            model,
            learning,
            lambda part, weights: cross_entropy(model.outputs(part, weights), part["labels"]),
            _FIT,
        )

    def damage(self, examples: Examples, kind: str, rng: np.random.Generator) -> Damaged:
        """Damage up to twelve of the forty positions (0.24 of 0.8 seconds) of every word, in four bursts."""
        frames = examples.batch["input_features"].numpy()
        mask = bursts_mask(len(frames), _POSITIONS, _BURSTS, _BURST, rng)
        wide = np.repeat(mask, 2, axis=1)[:, None]
        damaged = np.where(wide, _replacement(frames, kind, rng), frames).astype(np.float32)
        return Damaged({**examples.batch, "input_features": torch.from_numpy(damaged)}, mask)

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
    for (label, word), voice, variant, speed in itertools.product(enumerate(WORDS), _VOICES, _VARIANTS, _SPEEDS):
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


def _replacement(frames: NDArray[np.float32], kind: str, rng: np.random.Generator) -> NDArray[Any]:
    """Return frames of the kind of damage, for every place [n, 40, 80]."""
    silence = np.tile(frames.min(axis=(1, 2), keepdims=True), (1, *frames.shape[1:]))
    if kind == "dropped":
        return silence
    if kind == "tone":
        band = rng.integers(_MELS, size=len(frames))
        silence[np.arange(len(frames)), band] = frames.max()
        return silence
    if kind == "noise":
        return rng.normal(frames.mean(), frames.std(), size=frames.shape)
    if kind == "doubled":
        return np.roll(frames, 2 * _BURST, axis=2)
    hiss = frames.copy()
    upper = hiss[:, _MELS // 2 :]
    upper[:] = rng.normal(frames.max(axis=(1, 2), keepdims=True), frames.std(), size=upper.shape)
    return hiss
