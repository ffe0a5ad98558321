"""Folder of an adapted encoder: what `ATTUNE_ENCODER` and sentence-transformers load, and its card."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from recsys.adaptation.base_model import POOLING_FILE, PROMPTS_FILE, BaseModel, base_file, base_json
from recsys.encoder.model_profile import POOLING_FLAGS
from recsys.errors import ConfigError

CARD = "README.md"
SEQUENCE_FILE = "sentence_bert_config.json"
_SEQUENCE = {"max_seq_length": 512, "do_lower_case": False}
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "added_tokens.json",
)
_PROMPT = "articles"
_MODULES = (
    ("", "sentence_transformers.models.Transformer"),
    ("1_Pooling", "sentence_transformers.models.Pooling"),
    ("2_Normalize", "sentence_transformers.models.Normalize"),
)


def prepare_folder(folder: Path) -> None:
    """Check that `folder` does not exist and can be created, before the work starts.

    Raises:
        ConfigError: it exists, or cannot be created.
    """
    if folder.exists():
        raise ConfigError(
            f"{folder} exists: choose another --name, because stored vectors belong to the folder's path"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent)).rmdir()
    except OSError as error:
        raise ConfigError(
            f"encoders cannot be written to {folder.parent} ({error.strerror}); set ATTUNE_HOME"
        ) from error


def write_encoder(base: BaseModel, folder: Path, card: str) -> None:
    """Write the network of `base`, as it is now, with all files that loading it needs; all or nothing."""
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        weights = {name: value.cpu().contiguous() for name, value in base.network.state_dict().items()}
        save_file(weights, partial / "model.safetensors", metadata={"format": "pt"})
        base.network.config.save_pretrained(partial)
        for file in filter(None, (base_file(base.name, name) for name in _TOKENIZER_FILES)):
            shutil.copyfile(file, partial / file.name)
        _write_json(partial / "modules.json", _modules())
        _write_json(partial / SEQUENCE_FILE, {**_SEQUENCE, **base_json(base.name, SEQUENCE_FILE)})
        _write_json(partial / POOLING_FILE, _pooling(base))
        _write_json(partial / "2_Normalize" / "config.json", {})
        _write_json(partial / PROMPTS_FILE, _prompts(base))
        (partial / CARD).write_text(card)
        partial.chmod(0o755)
        partial.replace(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _modules() -> list[dict[str, Any]]:
    return [
        {"idx": number, "name": str(number), "path": path, "type": kind}
        for number, (path, kind) in enumerate(_MODULES)
    ]


def _pooling(base: BaseModel) -> dict[str, Any]:
    return {
        "word_embedding_dimension": base.encoder.dim,
        **{flag: base.profile.pooling == pooling for flag, pooling in POOLING_FLAGS.items()},
    }


def _prompts(base: BaseModel) -> dict[str, Any]:
    """Return the prompts of the base; the prompt that was used is the default."""
    own = base_json(base.name, PROMPTS_FILE)
    settings = {"prompts": {}, "default_prompt_name": None, "similarity_fn_name": "cosine", **own}
    prompts = {**(settings["prompts"] or {}), _PROMPT: base.profile.prompt}
    return {**settings, "prompts": prompts, "default_prompt_name": _PROMPT}


def _write_json(file: Path, content: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n")
