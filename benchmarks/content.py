"""Calibrated attention over histories against their mean, on English MIND impressions, nothing trained on them.

    python -m benchmarks.content [--data ../shared/data/mind-sample]

`--data` has news.jsonl and impressions.jsonl. Both match the same vectors of "category subcategory: title".
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys import frames
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.text import article_texts
from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import Interval, compare, intervals
from recsys.evaluation.slates import ScoredSlates
from recsys.preference.content import ContentMatcher, mean_match
from recsys.preference.match import Reads
from recsys.settings import load_settings

GOAL = 0.01


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data/mind-sample"))
    folder = parser.parse_args().data
    if not (folder / "news.jsonl").exists():
        print(f"{folder} has no MIND sample: nothing measured")
        return
    labels, calibrated, mean = [], [], []
    for reads, candidates, clicked in _impressions(folder):
        labels.append(clicked.tolist())
        calibrated.append(ContentMatcher().match(reads, candidates, 0).scores.tolist())
        mean.append(mean_match(reads, candidates).tolist())
    _report(_auc(calibrated, labels), _auc(mean, labels))


def _impressions(folder: Path) -> Iterator[tuple[Reads, NDArray[np.float32], NDArray[np.int8]]]:
    """Of each impression the history, vectors of the candidates [n, d], and which were clicked [n]."""
    news = _lines(folder / "news.jsonl")
    articles = frames.conform(
        pl.DataFrame(
            {
                **{name: [row.get(name) for row in news] for name in ("id", "title", "category")},
                "subcategory": [row.get("subvert") for row in news],
            }
        ),
        frames.ARTICLES,
    )
    vectors = LazyEncoder(load_settings()).encode(article_texts(articles))
    row = {row["id"]: place for place, row in enumerate(news)}
    for shown in _lines(folder / "impressions.jsonl"):
        history = [row[id_] for id_ in shown["history"] if id_ in row]
        if history:
            unknown = np.full(len(history), np.nan)
            reads = Reads.of(vectors[history], unknown, np.zeros(len(history)), np.full(len(history), 60.0))
            clicked = np.isin(shown["candidates"], shown["clicked"]).astype(np.int8)
            yield reads, vectors[[row[id_] for id_ in shown["candidates"]]], clicked


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _auc(scores: Sequence[Sequence[float]], labels: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    return metrics.auc(ScoredSlates.of(scores, labels))


def _report(calibrated: NDArray[np.float64], mean: NDArray[np.float64]) -> None:
    each = np.arange(len(mean))
    held = intervals({"calibrated": calibrated, "mean of history": mean}, each)
    for name, interval in held.items():
        print(f"{name:16} AUC {_told(interval)}")
    gain = compare(calibrated, mean, each).difference
    verdict = "met" if gain.mean >= GOAL else "missed"
    print(f"gain             {_told(gain)} on {len(mean)} impressions, paired; goal {GOAL}: {verdict}")


def _told(interval: Interval) -> str:
    return f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]"


if __name__ == "__main__":
    main()
