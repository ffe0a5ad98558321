"""Translation: messages of programs from English to German by a small Marian, with distractor words in the source.

Data: the message catalogues (gettext) of the packages on this machine.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.trainers import BpeTrainer
from transformers import MarianConfig, MarianMTModel

from recsys.calibration.input_statistics import Inputs
from recsys.calibration.model_calibrator import Batch
from recsys.calibration.training_loop import FitConfig
from recsys.errors import ConfigError
from recsys.experiments.attention_tasks.parts import train
from recsys.training.calibration.damaged_text import Damaged as DamagedWords
from recsys.training.calibration.damaged_text import NoiseKind
from recsys.training.calibration.model_task import Damaged, Examples, split
from recsys.training.calibration.text_corruption import Injector, undamaged

logger = logging.getLogger(__name__)

_CATALOGUES = Path("/usr/share/locale/de/LC_MESSAGES")
_PAD, _END = 0, 1
_VOCABULARY, _MOST_WORDS, _MOST_SOURCE, _MOST_TARGET = 1_500, 8, 40, 20
_LEAST_PAIRS, _MOST_PAIRS = 1_500, 7_000
_FIT = FitConfig(epochs=12, batch=64, learning_rate=1.5e-3)


class TranslationModel:
    """Encoder–decoder that translates greedily."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def inputs(self, batch: Batch) -> Inputs:
        """Return the keys: tokens of the source, and its end, which is not flagged."""
        present = batch["attention_mask"].bool()
        return Inputs(present, present & (batch["input_ids"] != _END))

    def outputs(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:  # noqa: ARG002 - no pooling
        """Return the tokens of the translations (B, 20), padded."""
        found: torch.Tensor = self.network.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            max_new_tokens=_MOST_TARGET,
            num_beams=1,
            do_sample=False,
        )[:, 1:]
        return torch.nn.functional.pad(found, (0, _MOST_TARGET - found.shape[1]), value=_PAD)


class Messages:
    """Task of translation, with a network trained on undamaged messages."""

    trained_kinds = (NoiseKind.RANDOM.value, NoiseKind.STUFFING.value, NoiseKind.PUNCTUATION.value)
    held_out_kinds = (NoiseKind.PHRASE.value, NoiseKind.CLICKBAIT.value)

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        pairs = messages()
        pairs = [pairs[row] for row in rng.permutation(len(pairs))[:_MOST_PAIRS]]
        self._sources = [source for source, _ in pairs]
        self._tokenizer = _tokenizer(pairs)
        self._injector = Injector(sorted({word for line in self._sources for word in line.split()}), self._sources)
        batch = self._batch([undamaged(source) for source in self._sources], np.arange(len(pairs)))
        del batch["injected"]
        batch["labels"] = self._targets([target for _, target in pairs])
        parts = split(batch, np.arange(len(pairs)), rng, _SPLIT)
        learning, self.training, self.validation, self.test = parts
        torch.manual_seed(seed)
        network = MarianMTModel(
            MarianConfig(
                vocab_size=_VOCABULARY,
                d_model=96,
                encoder_layers=2,
                decoder_layers=2,
                encoder_attention_heads=4,
                decoder_attention_heads=4,
                encoder_ffn_dim=192,
                decoder_ffn_dim=192,
                max_position_embeddings=64,
                pad_token_id=_PAD,
                eos_token_id=_END,
                bos_token_id=None,
                forced_eos_token_id=None,
                decoder_start_token_id=_PAD,
                scale_embedding=True,
            )
        )
        self.model = TranslationModel(network)

        def loss(part: dict[str, torch.Tensor], _: torch.Tensor) -> torch.Tensor:
            labels = part["labels"].masked_fill(part["labels"] == _PAD, -100)
            names = ("input_ids", "attention_mask")
            found: torch.Tensor = network(**{name: part[name] for name in names}, labels=labels).loss
            return found

        train(self.model, learning, loss, _FIT)

    def damage(self, examples: Examples, kind: str, rng: np.random.Generator) -> Damaged:
        """Insert words into the source of every message."""
        rows = examples.batch["row"].numpy()
        lines = [self._injector.damage(self._sources[row], NoiseKind(kind), rng) for row in rows]
        batch = self._batch(lines, rows)
        mask = batch.pop("injected").numpy()
        return Damaged({**batch, "labels": examples.batch["labels"]}, mask)

    def score(self, outputs: torch.Tensor, batch: Batch) -> NDArray[np.float64]:
        """Return the F1 of the tokens of each translation, by count [n]."""
        return np.array([_f1(*pair) for pair in zip(outputs.tolist(), batch["labels"].tolist(), strict=True)])

    def _batch(self, lines: Sequence[DamagedWords], rows: NDArray[np.int64]) -> dict[str, torch.Tensor]:
        ids = np.full((len(lines), _MOST_SOURCE), _PAD, dtype=np.int64)
        injected = np.zeros(ids.shape, dtype=np.bool_)
        for row, line in enumerate(lines):
            encoded = self._tokenizer.encode(list(line.words), is_pretokenized=True)
            kept = min(len(encoded.ids), _MOST_SOURCE - 1)
            ids[row, :kept], ids[row, kept] = encoded.ids[:kept], _END
            injected[row, :kept] = [word is not None and line.injected[word] for word in encoded.word_ids[:kept]]
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy((ids != _PAD).astype(np.int64)),
            "injected": torch.from_numpy(injected),
            "row": torch.from_numpy(rows),
        }

    def _targets(self, lines: Sequence[str]) -> torch.Tensor:
        ids = np.full((len(lines), _MOST_TARGET), _PAD, dtype=np.int64)
        for row, line in enumerate(lines):
            found = self._tokenizer.encode(line.split(), is_pretokenized=True).ids[: _MOST_TARGET - 1]
            ids[row, : len(found)], ids[row, len(found)] = found, _END
        return torch.from_numpy(ids)


_SPLIT = (0.8, 0.08, 0.05, 0.07)


@cache
def messages() -> list[tuple[str, str]]:
    """Return pairs of short messages, English and German, each English one once.

    Raises:
        ConfigError: babel is not installed, or there are too few catalogues on this machine.
    """
    try:
        from babel.messages.mofile import read_mo
    except ImportError as error:
        raise ConfigError("translation needs babel: pip install 'attune-feed[lab]'") from error
    pairs = dict(pair for file in sorted(_CATALOGUES.glob("*.mo")) for pair in _pairs(file, read_mo))
    if len(pairs) < _LEAST_PAIRS:
        raise ConfigError(
            f"{_CATALOGUES} has {len(pairs)} usable messages, translation needs {_LEAST_PAIRS}: install packages "
            "with German messages, e.g. 'apt-get install git gettext' without excluding locales"
        )
    return sorted(pairs.items())


def _pairs(file: Path, read_mo: Callable[[Any], Any]) -> Iterator[tuple[str, str]]:
    with file.open("rb") as content:
        try:
            catalogue = read_mo(content)
        except UnicodeDecodeError as error:
            logger.warning("%s is left out: it is not in the character set that it names: %s", file.name, error)
            return
    for message in catalogue:
        source, target = message.id, message.string
        if isinstance(source, str) and isinstance(target, str) and _usable(source) and _usable(target):
            yield " ".join(source.split()), " ".join(target.split())


def _usable(message: str) -> bool:
    return 2 <= len(message.split()) <= _MOST_WORDS and len(message) < 80 and "%" not in message


def _tokenizer(pairs: Sequence[tuple[str, str]]) -> Tokenizer:
    tokenizer = Tokenizer(BPE(unk_token="[UNK]"))  # noqa: S106 - not a password
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    trainer = BpeTrainer(vocab_size=_VOCABULARY, special_tokens=["[PAD]", "[END]", "[UNK]"], show_progress=False)
    tokenizer.train_from_iterator((line for pair in pairs for line in pair), trainer)
    return tokenizer


def _f1(output: Sequence[int], reference: Sequence[int]) -> float:
    found, truth = ([token for token in line if token not in (_PAD, _END)] for line in (output, reference))
    common = sum(min(found.count(token), truth.count(token)) for token in set(truth))
    return 2 * common / max(len(found) + len(truth), 1)
