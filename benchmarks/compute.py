"""Ways to save compute at encoding, and their cost in quality: precision, fewer tokens, fewer heads.

    python -m benchmarks.compute [--articles 300] [--database URL] [--data FOLDER] [--threads 1] [--device cpu]

Articles are from a database, or simulated. Speed is the median ratio of pairs, float32 and variant alternately, on
the first articles; vectors are compared with those of float32 on all articles that were not used to rank the
heads; the content match is measured on the MIND impressions of `--data`, paired with float32. int8 is for CPUs
only, and bfloat16 comes last: without support in the CPU it takes minutes.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import heads, mind
from benchmarks.timing import best_seconds, ratio
from recsys.encoder.article_text import headlines
from recsys.encoder.bert import TextEncoder
from recsys.encoder.token_batches import encode
from recsys.evaluation.bootstrap import compare
from recsys.settings import Device, Precision
from recsys.simulate.world import simulate
from recsys.store import articles as article_store
from recsys.store.database import open_database
from recsys.user_model.content_matcher import ContentMatcher

PRECISIONS: dict[Device, tuple[Precision, ...]] = {"cpu": ("int8", "bfloat16"), "cuda": ("bfloat16",)}
TOKENS = (48, 32, 24, 16)
HEADS = (6, 12, 18, 36)
NEIGHBOURS = 10
_TIMED, _RANKING, _PAIRS = 64, 64, 5

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Material:
    """Inputs. timed, texts: articles; shown: MIND impressions, None without the sample."""

    timed: list[str]
    texts: list[str]
    shown: mind.Impressions | None


@dataclass(frozen=True, slots=True)
class Reference:
    """Encoder in float32, with its results. vectors: of the articles; auc: of each impression."""

    encoder: TextEncoder
    vectors: Vectors
    auc: NDArray[np.float64] | None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="articles a second and quality of cheaper encoders")
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--database", help="URL of a database with articles; simulated ones without it")
    parser.add_argument("--data", type=Path, default=mind.SAMPLE)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=PRECISIONS, default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    texts = _texts(given.database, given.articles)
    material = Material(texts[:_TIMED], texts[_RANKING:], mind.impressions(given.data))
    plain = TextEncoder(device=given.device)
    base = Reference(plain, encode(plain, material.texts), _auc(plain, material.shown))
    _head(base, material, given.threads)
    for name, made in _variants(plain, given.device, texts[:_RANKING]).items():
        print(f"{name:22} {_row(made(), base, material)}", flush=True)


def _texts(database: str | None, most: int) -> list[str]:
    if database is None:
        return headlines(simulate(readers=1, articles=most, days=1).articles)
    with open_database(database).read() as connection:
        stored, _ = article_store.upserted_since(connection, 0)
    return headlines(stored.sample(min(most, stored.height), seed=7, shuffle=True))


def _variants(plain: TextEncoder, device: Device, ranking: Sequence[str]) -> dict[str, Callable[[], TextEncoder]]:
    """Return a function per variant, by name, that makes its encoder: only one is in memory at a time."""
    ranked = heads.by_effect(plain, ranking)
    print("heads by effect: " + ", ".join(f"{ranked[n - 1][1]:.5f} (rank {n})" for n in (1, *HEADS, len(ranked))))

    def pruned(count: int) -> TextEncoder:
        encoder = TextEncoder(device=device)
        heads.remove(encoder, heads.removable(ranked, count))
        return encoder

    return {
        **{f"at most {most} tokens": _call(TextEncoder, max_tokens=most, device=device) for most in TOKENS},
        **{f"{count} of {len(ranked)} heads removed": _call(pruned, count=count) for count in HEADS},
        **{name: _call(TextEncoder, device=device, precision=name) for name in PRECISIONS[device]},
    }


def _call(make: Callable[..., TextEncoder], **options: Any) -> Callable[[], TextEncoder]:
    return lambda: make(**options)


def _head(base: Reference, material: Material, threads: int) -> None:
    seconds = best_seconds(lambda: encode(base.encoder, material.timed), _PAIRS)
    lengths = [len(ids) for ids in base.encoder.tokenize(material.texts)]
    size = f"{np.mean(lengths):.0f} tokens, most {max(lengths)}"
    print(f"{len(lengths):,} articles of {size}; {threads} thread(s), {base.encoder.device.type}")
    auc = "" if base.auc is None else f", MIND AUC {base.auc.mean():.4f}"
    print(
        f"float32, at most {base.encoder.max_tokens} tokens: {len(material.timed) / seconds:.0f} articles/s{auc}"
    )
    print(f"{'':22} {'speed':>7} {'articles/s':>11} {'cosine':>8} {'10 nearest':>11}  MIND AUC minus float32")


def _row(variant: TextEncoder, base: Reference, material: Material) -> str:
    def work() -> object:
        return encode(variant, material.timed)

    speed = 1.0 / ratio(work, lambda: encode(base.encoder, material.timed), _PAIRS)
    vectors = encode(variant, material.texts)
    cosine = float((vectors * base.vectors).sum(axis=1).mean())
    shared = float(np.mean(_shared(_nearest(vectors), _nearest(base.vectors))))
    rate = len(material.timed) / best_seconds(work, 1)
    against = _against(_auc(variant, material.shown), base.auc)
    return f"{speed:6.2f}× {rate:11,.0f} {cosine:8.4f} {shared:11.1%}  {against}"


def _nearest(vectors: Vectors) -> NDArray[np.int64]:
    """Return the nearest other articles [n, NEIGHBOURS] of each article [n]."""
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return np.argpartition(-scores, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def _shared(one: NDArray[np.int64], other: NDArray[np.int64]) -> list[float]:
    return [len(np.intersect1d(a, b)) / NEIGHBOURS for a, b in zip(one, other, strict=True)]


def _auc(encoder: TextEncoder, shown: mind.Impressions | None) -> NDArray[np.float64] | None:
    if shown is None:
        return None
    matched = shown.matched(encode(encoder, [text.headline for text in shown.texts]))
    scores = [ContentMatcher().match(reads, candidates, 0).scores.tolist() for reads, candidates in matched]
    return mind.auc(scores, shown.clicked)


def _against(found: NDArray[np.float64] | None, base: NDArray[np.float64] | None) -> str:
    if found is None or base is None:
        return "not measured: no sample"
    return mind.interval_text(compare(found, base, np.arange(len(base))).difference)


if __name__ == "__main__":
    main()
