"""Long bodies within a token budget: saved time against lost quality.

    python -m benchmarks.token_budget [--bodies 96] [--windows 24] [--device cpu] [--only PATTERN] [--plot FILE]

Every way to read less is compared with the full reading of bodies of up to 512 tokens: articles per second (CPU
seconds of one thread, in turn with the full reading, least of four), cosine to the full vectors (mean and 5th
percentile, windows of meetings), and accuracy of the topic (bodies from MIND abstracts; a linear probe, five
folds). Budgets keep the most attended tokens. The controls keep as many random ones, every n-th one, or the first
ones after the same layer; cut the text to its first tokens; or leave out the last layers.
"""

import argparse
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from benchmarks.body_samples import MEETINGS, NEWS, meeting_windows, topic_bodies
from benchmarks.timing import best_seconds
from recsys.encoder.bert import TextEncoder
from recsys.encoder.token_budget import Score, TokenBudget, by_attention
from recsys.evaluation.bootstrap import compare

GOAL_SPEED, GOAL_COSINE = 1.8, 0.99
BUDGETS = (64, 128, 192, 256, 320, 384)
CONTROLS = (192,)
_TIMED, _REPEATS, _BATCH, _FOLDS = 4, 4, 8, 5

Vectors = NDArray[np.float32]
Tokens = Sequence[list[int]]
Read = Callable[[Tokens], Vectors]


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one way of reading."""

    name: str
    speed: float
    cosine: float
    cosine_p05: float
    accuracy: float
    lost: str


def main() -> None:
    """Print the table, and draw the curve."""
    parser = argparse.ArgumentParser(description="articles a second and quality within a token budget")
    parser.add_argument("--bodies", type=int, default=96)
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--only", default="", help="regular expression: measure only rows whose name has it")
    parser.add_argument("--plot", type=Path, help="file of the curve")
    given = parser.parse_args()
    if not (MEETINGS.exists() and NEWS.exists()):
        print(f"skipped: {MEETINGS} and {NEWS} are needed")
        return
    torch.set_num_threads(1)
    encoder = TextEncoder(device=given.device)
    rows = list(measure(encoder, given.bodies, given.windows, given.only))
    if given.plot:
        from benchmarks.budget_curve import draw

        draw(rows, given.plot)
    best = max((row.speed for row in rows if row.cosine >= GOAL_COSINE), default=1.0)
    print(f"fastest at cosine ≥ {GOAL_COSINE}: {best:.2f}× (goal ≥ {GOAL_SPEED}×)")


def measure(encoder: TextEncoder, bodies: int, windows: int, only: str = "") -> list[Row]:
    """Measure every way to read whose name has `only`, and print each row."""
    meetings, topics = meeting_windows(encoder, MEETINGS, windows), topic_bodies(encoder, NEWS, bodies)
    full = _batched(encoder.encode_tokens)
    meeting_nd, topic_nd = full(meetings.tokens), full(topics.tokens)
    right = _right(topic_nd, topics.topics)
    mean = np.mean([len(line) for line in topics.tokens])
    print(f"{windows} windows; {bodies} bodies, {mean:.0f} tokens on average, accuracy {right.mean():.3f}")
    print(f"{'':34} {'speed':>7} {'cosine':>8} {'5%':>7} {'accuracy':>9}  minus full")
    rows = []
    for name, read in _ways(encoder).items():
        if not re.search(only, name):
            continue
        cosine = (read(meetings.tokens) * meeting_nd).sum(axis=1)
        found = _right(read(topics.tokens), topics.topics)
        difference = compare(found, right, np.arange(bodies)).difference
        lost = f"{difference.mean:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"
        speed = _speed(read, full, meetings.tokens[:_TIMED], encoder.device.type)
        row = Row(name, speed, float(cosine.mean()), float(np.quantile(cosine, 0.05)), float(found.mean()), lost)
        rows.append(row)
        print(
            f"{name:34} {row.speed:6.2f}× {row.cosine:8.4f} {row.cosine_p05:7.4f} {row.accuracy:9.3f}  {lost}",
            flush=True,
        )
    return rows


def _ways(encoder: TextEncoder) -> dict[str, Read]:
    layers = len(encoder.network.encoder.layer)
    scores: dict[str, Score] = {"random tokens": _random, "every n-th token": _spread, "first tokens": _first}

    def within(tokens: int, after: int | None = None, score: Score = by_attention) -> Read:
        budget = TokenBudget(tokens, after, score)
        return _batched(lambda lines: encoder.encode_within(lines, budget))

    def cut(tokens: int) -> Read:
        return _batched(lambda lines: encoder.encode_tokens([line[:tokens] for line in lines]))

    return {
        **{f"{tokens} tokens after half the layers": within(tokens) for tokens in BUDGETS},
        **{f"{tokens} tokens after 1 layer": within(tokens, 1) for tokens in CONTROLS},
        **{
            f"{tokens} {name}": within(tokens, None, score)
            for name, score in scores.items()
            for tokens in CONTROLS
        },
        **{f"text cut to {tokens} tokens": cut(tokens) for tokens in CONTROLS},
        **{
            f"{count} of {layers} layers": _batched(_shallow(encoder, count))
            for count in (layers // 2, layers - 1)
        },
    }


def _batched(read: Read) -> Read:
    return lambda lines: np.concatenate([read(lines[at : at + _BATCH]) for at in range(0, len(lines), _BATCH)])


def _shallow(encoder: TextEncoder, count: int) -> Read:
    """Return the reading without the last layers."""

    def read(lines: Tokens) -> Vectors:
        layers = encoder.network.encoder.layer
        encoder.network.encoder.layer = layers[:count]
        try:
            return encoder.encode_tokens(lines)
        finally:
            encoder.network.encoder.layer = layers

    return read


def _random(received_BT: torch.Tensor) -> torch.Tensor:
    return torch.rand(received_BT.shape, generator=torch.Generator().manual_seed(7)).to(received_BT.device)


def _first(received_BT: torch.Tensor) -> torch.Tensor:
    return -torch.arange(received_BT.shape[1], device=received_BT.device).expand(received_BT.shape)


def _spread(received_BT: torch.Tensor) -> torch.Tensor:
    """Return scores whose largest n are about evenly spaced for every n: the golden ratio's multiples."""
    places = torch.arange(received_BT.shape[1], device=received_BT.device)
    return ((places * 0.6180339887498949) % 1.0).expand(received_BT.shape)


def _right(vectors: Vectors, topics: Sequence[str]) -> NDArray[np.float64]:
    """Return 1 for each body whose topic the probe finds, fitted on the other folds."""
    probe = LogisticRegression(C=10.0, max_iter=1_000)
    return np.asarray(cross_val_predict(probe, vectors, topics, cv=_FOLDS) == np.asarray(topics), dtype=np.float64)


def _speed(read: Read, full: Read, lines: Tokens, device: str) -> float:
    if device == "cuda":  # the processor waits for the device there
        return best_seconds(lambda: full(lines), _REPEATS) / best_seconds(lambda: read(lines), _REPEATS)
    spent: dict[Read, list[float]] = {read: [], full: []}
    for _ in range(_REPEATS):
        for side, seconds in spent.items():
            began = time.process_time()
            side(lines)
            seconds.append(time.process_time() - began)
    return min(spent[full]) / min(spent[read])


if __name__ == "__main__":
    main()
