"""Cost of the attention hook at encoding: 32 texts of 64 tokens, compared with plain SDPA.

    python -m benchmarks.attention [--pairs 20] [--threads 1] [--device cpu]

Each variant is timed in pairs with plain SDPA, alternately first and second, and the median ratio is printed, so
that other load on the machine affects both sides equally.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.timing import ratio
from recsys.calibration.calibrator import Plan
from recsys.encoder.bert import TextEncoder

TEXTS, TOKENS = 32, 64
GOALS = {"pass-through": 1.02, "gate": 1.05, "statistics of 1 text in 8": 1.06, "statistics of all texts": None}


def batch(encoder: TextEncoder) -> list[list[int]]:
    """Return texts of 57 to 64 tokens: a padding mask is part of the work."""
    words = encoder.vocabulary()
    rng = np.random.default_rng(7)
    texts = [" ".join(rng.choice(words, size=TOKENS)) for _ in range(TEXTS)]
    return [ids[: TOKENS - row % 8] for row, ids in enumerate(encoder.tokenize(texts))]


def variants(encoder: TextEncoder, tokens: list[list[int]]) -> dict[str, Callable[[], object]]:
    """Return the timed calls by name."""
    gate = np.zeros((TEXTS, TOKENS))
    gate[:, 3::5] = -3.0
    plan = Plan(np.arange(TEXTS), gate, np.zeros((TEXTS, 6, 12)), np.zeros_like(gate, dtype=np.bool_))
    return {
        "pass-through": lambda: encoder.encode_tokens(tokens),
        "gate": lambda: encoder.encode_tokens(tokens, plan),
        "statistics of 1 text in 8": lambda: encoder.observe_tokens(tokens, TEXTS // 8),
        "statistics of all texts": lambda: encoder.observe_tokens(tokens),
    }


def main() -> None:
    """Print the table and the goals."""
    parser = argparse.ArgumentParser(description="cost of the attention hook")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    plain, hooked = TextEncoder(device=given.device, attention="sdpa"), TextEncoder(device=given.device)
    tokens = batch(hooked)

    def floor() -> object:
        return plain.encode_tokens(tokens)

    floor()
    print(f"{TEXTS} texts × {TOKENS} tokens, {given.pairs} pairs, {given.threads} thread(s), {given.device}")
    for name, work in variants(hooked, tokens).items():
        work()
        goal = GOALS[name]
        limit = f"(at most {goal - 1:+.0%})" if goal else ""
        print(f"{name:28} {ratio(work, floor, given.pairs) - 1:+7.1%} {limit}")


if __name__ == "__main__":
    main()
