"""Small random models of four families, as `AttentionModel`: text, vision, speech, encoder–decoder."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    BartConfig,
    BartModel,
    BertConfig,
    BertModel,
    ViTConfig,
    ViTModel,
    Wav2Vec2Config,
    Wav2Vec2Model,
)

from recsys.calibration.input_statistics import Inputs
from recsys.calibration.model_calibrator import Batch

_SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


@dataclass(frozen=True)
class AnyModel:
    """A network, and a batch of four examples for it."""

    network: Any
    batch: Batch

    def inputs(self, batch: Batch) -> Inputs:
        if "attention_mask" in batch:
            present = batch["attention_mask"].bool()
        else:
            present = torch.ones(len(next(iter(batch.values()))), 17 if "pixel_values" in batch else 7).bool()
        queries = batch["decoder_input_ids"] != 0 if "decoder_input_ids" in batch else None
        return Inputs(present, present, queries)

    def outputs(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:
        out: torch.Tensor = self.network(**batch).last_hidden_state
        return out


def text() -> AnyModel:
    torch.manual_seed(0)
    config = BertConfig(vocab_size=50, max_position_embeddings=32, initializer_range=0.2, **_SMALL)
    ids = torch.randint(1, 50, (4, 9))
    mask = torch.ones_like(ids)
    mask[1, 5:] = mask[3, 7:] = 0
    return AnyModel(BertModel(config).eval(), {"input_ids": ids, "attention_mask": mask})


def vision() -> AnyModel:
    torch.manual_seed(1)
    config = ViTConfig(image_size=16, patch_size=4, num_channels=1, initializer_range=0.2, **_SMALL)
    network = ViTModel(config, add_pooling_layer=False).eval()
    return AnyModel(network, {"pixel_values": torch.randn(4, 1, 16, 16)})


def speech() -> AnyModel:
    torch.manual_seed(2)
    config = Wav2Vec2Config(
        conv_dim=(16, 16),
        conv_stride=(5, 4),
        conv_kernel=(10, 8),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        initializer_range=0.2,
        **_SMALL,
    )
    return AnyModel(Wav2Vec2Model(config).eval(), {"input_values": torch.randn(4, 180)})


def encoder_decoder() -> AnyModel:
    torch.manual_seed(3)
    config = BartConfig(
        vocab_size=50,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=32,
        init_std=0.2,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=None,
    )
    ids, mask = torch.randint(3, 50, (4, 9)), torch.ones(4, 9, dtype=torch.long)
    mask[1, 5:] = mask[3, 7:] = 0
    target = torch.randint(3, 50, (4, 6))
    target[2, 4:] = 0
    batch = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": target}
    return AnyModel(BartModel(config).eval(), batch)


FAMILIES = {"text": text, "vision": vision, "speech": speech, "encoder-decoder": encoder_decoder}
