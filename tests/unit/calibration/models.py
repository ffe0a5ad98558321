"""Small random vision and speech encoders, with inputs: attention without padding, and of other families."""

from dataclasses import dataclass
from typing import Any

import torch
from sklearn.datasets import load_digits
from transformers import LlamaConfig, LlamaModel, ViTConfig, ViTModel, WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from recsys.calibration import hook
from recsys.calibration.adjustment import Adjustment
from recsys.calibration.attention_statistics import Observation, Observer
from recsys.calibration.hook import Tap, Watcher

LAYERS, HEADS = 2, 4


@dataclass(frozen=True)
class Model:
    """A network on the hook, its tap, and many inputs for it."""

    network: Any
    tap: Tap
    inputs: torch.Tensor
    tokens: int

    def hidden(
        self, rows: slice, watcher: Watcher | None = None, adjustment: Adjustment | None = None
    ) -> torch.Tensor:
        """Last hidden states of some inputs."""
        with torch.inference_mode(), self.tap.using(watcher, adjustment):
            out: torch.Tensor = self.network(self.inputs[rows]).last_hidden_state
            return out

    def run_with(self, attention: str, rows: slice) -> torch.Tensor:
        """The same with another attention function."""
        before = self.network.config._attn_implementation
        self.network.set_attn_implementation(attention)
        try:
            with torch.inference_mode():
                out: torch.Tensor = self.network(self.inputs[rows]).last_hidden_state
                return out
        finally:
            self.network.set_attn_implementation(before)

    def observe(self, rows: slice, watched: int | None = None) -> Observation:
        """Return the observed attention; there is no padding, so the mask is all ones."""
        observer = Observer(torch.ones(len(self.inputs[rows]), self.tokens, dtype=torch.bool), watched)
        self.hidden(rows, observer)
        return observer.observation()


def vision() -> Model:
    """A vision transformer, on real images of digits."""
    torch.manual_seed(1)
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
        num_channels=1,
        attn_implementation=hook.register(),
        initializer_range=0.2,
    )
    network = ViTModel(config, add_pooling_layer=False).eval()
    digits = torch.from_numpy(load_digits().images[:400]).float()[:, None] / 8 - 1
    images = torch.nn.functional.interpolate(digits, size=(32, 32), mode="bilinear")
    return Model(network, hook.attach(network), images, tokens=17)


def speech() -> Model:
    """The encoder of a speech model, on random spectrograms."""
    torch.manual_seed(2)
    config = WhisperConfig(
        d_model=32,
        encoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        encoder_ffn_dim=64,
        num_mel_bins=8,
        max_source_positions=20,
        init_std=0.2,
        attn_implementation=hook.register(),
    )
    network = WhisperEncoder(config).eval()
    return Model(network, hook.attach(network), torch.randn(400, 8, 40), tokens=20)


def causal() -> tuple[Any, Tap]:
    """A decoder of text with grouped queries, of 50 tokens, and its tap."""
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS // 2,
        intermediate_size=64,
        initializer_range=0.2,
        attn_implementation=hook.register(),
    )
    network = LlamaModel(config).eval()
    return network, hook.attach(network)
