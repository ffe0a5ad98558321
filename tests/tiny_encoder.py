"""A random BERT of four layers whose tokens are the words of the small simulated world, on disk."""

import json
from pathlib import Path

from recsys.encoder.article_text import article_texts
from tests.trained import world

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def write_tiny(folder: Path, layers: int = 4, heads: int = 4, hidden: int = 32) -> Path:
    """Write the model and its tokenizer; the folder is returned."""
    # here, because importing them takes seconds that most tests need not wait
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True)
    texts = " ".join(" ".join(text) for text in article_texts(world().articles))
    words = [word for word, _ in Whitespace().pre_tokenize_str(texts.lower())]
    vocabulary = list(dict.fromkeys([*SPECIAL, "query", ":", *words]))
    tokenizer = Tokenizer(WordLevel({word: row for row, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64, **names})
    )
    torch.manual_seed(4)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(folder)
    return folder
