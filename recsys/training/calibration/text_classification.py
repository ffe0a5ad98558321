"""Text classification as a task of calibration: a user's transformers model, and a file of texts with labels."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from recsys.calibration.input_statistics import Inputs
from recsys.calibration.model_calibrator import Batch
from recsys.encoder.bert import mean_pool
from recsys.errors import DataError, EncoderError
from recsys.training.calibration.damaged_text import Damaged as DamagedWords
from recsys.training.calibration.damaged_text import NoiseKind
from recsys.training.calibration.model_task import Damaged, Examples, chunks, split
from recsys.training.calibration.text_corruption import Injector, undamaged

MOST_TEXTS = 20_000
MOST_TOKENS = 40
"""Texts are cut behind this many tokens, to limit the time."""

_LEAST_TEXTS = 500
_LEAST_OF_LABEL = 10


class TextModel:
    """Classifier of texts: a sequence classifier, or an encoder with a linear head on the mean of its tokens.

    Args:
        network: the transformers model.
        head: linear head of an encoder; None for a sequence classifier.
    """

    def __init__(self, network: Any, head: torch.nn.Linear | None) -> None:
        self.network, self.head = network, head

    def inputs(self, batch: Batch) -> Inputs:
        """Return the keys: words may be flagged, special tokens not."""
        return Inputs(batch["attention_mask"].bool(), batch["inner"])

    def outputs(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:
        """Return the logits of the labels (B, C)."""
        if self.head is None:
            logits: torch.Tensor = self.network(**_arguments(batch)).logits
            return logits
        found: torch.Tensor = self.head(self.vectors(batch, weights))
        return found

    def vectors(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:
        """Return the unit vectors of the texts (B, D)."""
        hidden_BTD = self.network(**_arguments(batch)).last_hidden_state
        return mean_pool(hidden_BTD, batch["attention_mask"], weights)


class TextClassification:
    """Task of a file of texts with labels.

    A sequence classifier is used as it is. For an encoder, a linear head is fitted on a part of the texts.

    Args:
        model: folder or name of the transformers model.
        texts: texts [n].
        labels: their labels [n].
        seed: of the splits.

    Raises:
        DataError: there are too few texts, or a label that the model does not know.
        EncoderError: the model cannot be loaded.
    """

    trained_kinds = tuple(
        kind.value
        for kind in (
            NoiseKind.STUFFING,
            NoiseKind.PUNCTUATION,
            NoiseKind.RANDOM,
            NoiseKind.REPLACED,
            NoiseKind.PHRASE,
            NoiseKind.KEYWORDS,
        )
    )
    held_out_kinds = (NoiseKind.CLICKBAIT.value, NoiseKind.HASHTAGS.value, NoiseKind.MARKUP.value)

    def __init__(self, model: str, texts: Sequence[str], labels: Sequence[str], seed: int) -> None:
        if len(texts) < _LEAST_TEXTS:
            raise DataError(f"{len(texts)} texts with a label are too few: give at least {_LEAST_TEXTS}")
        rng = np.random.default_rng(seed)
        self._tokenizer, network = _loaded(model)
        is_classifier = hasattr(network, "classifier") or hasattr(network, "score")
        names = _names(network) if is_classifier else sorted(set(labels))
        unknown = sorted(set(labels) - set(names))
        if unknown:
            raise DataError(f"the model does not know the label {unknown[0]!r}: it knows {', '.join(names[:10])}")
        self._texts = np.asarray(texts, dtype=object)
        vocabulary = sorted({word for text in texts for word in text.split()})
        self._injector = Injector(vocabulary, texts)
        batch = self._batch([undamaged(text) for text in texts], np.arange(len(texts)))
        _, group = np.unique(self._texts, return_inverse=True)  # copies of a text stay in one part
        numbers = {name: number for number, name in enumerate(names)}
        batch["labels"] = torch.tensor([numbers[label] for label in labels])
        learning, self.training, self.validation, self.test = split(batch, group, rng)
        self.model = TextModel(network, None)
        if not is_classifier:
            self.model.head = _head(self.model, learning, len(names))

    def damage(self, examples: Examples, kind: str, rng: np.random.Generator) -> Damaged:
        """Damage every text by the injector of the article calibration."""
        rows = examples.batch["row"].numpy()
        words = [self._injector.damage(self._texts[row], NoiseKind(kind), rng) for row in rows]
        batch = self._batch(words, rows)
        mask = batch.pop("injected").numpy()
        return Damaged({**batch, "labels": examples.batch["labels"]}, mask)

    def score(self, outputs: torch.Tensor, batch: Batch) -> NDArray[np.float64]:
        """Return 1 where the label is right [n]."""
        return (outputs.argmax(dim=-1) == batch["labels"]).double().numpy()

    def _batch(self, lines: Sequence[DamagedWords], rows: NDArray[np.int64]) -> dict[str, torch.Tensor]:
        """Tokenise words; `injected` is the mask of the tokens of injected words."""
        encoded = self._tokenizer(
            [list(line.words) for line in lines],
            is_split_into_words=True,
            truncation=True,
            max_length=MOST_TOKENS,
            padding=True,
            return_tensors="pt",
        )
        inner = np.zeros(encoded["input_ids"].shape, dtype=np.bool_)
        injected = np.zeros_like(inner)
        for row, line in enumerate(lines):
            words = encoded.word_ids(row)
            inner[row] = [word is not None for word in words]
            injected[row] = [word is not None and line.injected[word] for word in words]
        return {
            **{name: encoded[name] for name in encoded},
            "inner": torch.from_numpy(inner),
            "injected": torch.from_numpy(injected),
            "row": torch.from_numpy(rows),
        }


def read_texts(file: Path) -> tuple[list[str], list[str]]:
    """Read texts and labels with the names `text` and `label` from a CSV file or from JSON lines.

    Labels of fewer than ten texts are left out.

    Raises:
        DataError: the file cannot be read, lacks a column, or has too many rows.
    """
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows: list[dict[str, Any]] = (
                list(csv.DictReader(lines)) if file.suffix == ".csv" else [json.loads(line) for line in lines]
            )
        pairs = [(str(row["text"]).strip(), str(row["label"])) for row in rows]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read: {error}; give CSV or JSON lines in UTF-8") from error
    except (KeyError, TypeError) as error:
        raise DataError(f"{file} needs `text` and `label` in every row") from error
    found = [(text, label) for text, label in pairs if text]
    if len(found) > MOST_TEXTS:
        raise DataError(f"{file} has {len(found)} texts: give at most {MOST_TEXTS}")
    counts = Counter(label for _, label in found)
    kept = [(text, label) for text, label in found if counts[label] >= _LEAST_OF_LABEL]
    return [text for text, _ in kept], [label for _, label in kept]


def _loaded(model: str) -> tuple[Any, Any]:
    """Return the tokenizer and the network."""
    try:
        architectures = AutoConfig.from_pretrained(model, local_files_only=True).architectures or [""]
        is_classifier = architectures[0].endswith("ForSequenceClassification")
        loader = AutoModelForSequenceClassification if is_classifier else AutoModel
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
        network = loader.from_pretrained(model, local_files_only=True, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"{model} cannot be loaded: {error}; give the folder of a transformers model"
        ) from error
    if not tokenizer.is_fast:
        raise EncoderError(f"{model} has no fast tokenizer, which says which tokens belong to a word")
    return tokenizer, network.eval()


def _names(network: Any) -> list[str]:
    names = network.config.id2label
    return [names[number] for number in range(len(names))]


def _head(model: TextModel, learning: Examples, classes: int) -> torch.nn.Linear:
    """Fit a linear head on undamaged texts."""
    with torch.inference_mode():
        parts = [model.vectors(learning[rows].batch, None) for rows in chunks(len(learning))]
    vectors, labels = torch.cat(parts).numpy(), learning.batch["labels"].numpy()
    fitted = LogisticRegression(C=10.0, max_iter=1_000).fit(vectors, labels)
    head = torch.nn.Linear(vectors.shape[1], classes)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(-1e4)  # a label without a text in this part is never chosen
        if len(fitted.classes_) == 2:  # scikit-learn has one row for two classes
            rows, bias = (
                np.stack([-fitted.coef_[0], fitted.coef_[0]]),
                np.r_[-fitted.intercept_, fitted.intercept_],
            )
        else:
            rows, bias = fitted.coef_, fitted.intercept_
        head.weight[fitted.classes_] = torch.from_numpy(rows).float()
        head.bias[fitted.classes_] = torch.from_numpy(bias).float()
    return head


def _arguments(batch: Batch) -> dict[str, torch.Tensor]:
    names = ("input_ids", "attention_mask", "token_type_ids")
    return {name: batch[name] for name in names if name in batch}
