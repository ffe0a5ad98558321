"""Attention over histories compared with their mean, on English MIND impressions, without training on them.

    python -m benchmarks.content [--data ../shared/data/mind-sample]

`--data` has news.jsonl and impressions.jsonl. Both use the same vectors: of headlines only ("category subcategory:
title"), and of all fields, as in serving.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import mind
from recsys.encoder.field_concat import article_vectors
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.token_batches import encode
from recsys.evaluation.bootstrap import compare, intervals
from recsys.settings import load_settings
from recsys.user_model.content_matcher import ContentMatcher, mean_match

GOAL = 0.01


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=mind.SAMPLE)
    folder = parser.parse_args().data
    shown = mind.impressions(folder)
    if shown is None:
        print(f"{folder} has no MIND sample: nothing measured")
        return
    model = LazyEncoder(load_settings()).loaded()
    headlines = encode(model, [text.headline for text in shown.texts])
    for name, vectors in (("headlines", headlines), ("all fields", article_vectors(model, shown.texts))):
        print(f"\n{name}, {vectors.shape[1]} dimensions")
        _report(shown, vectors)


def _report(shown: mind.Impressions, vectors: NDArray[np.float32]) -> None:
    calibrated, mean = [], []
    for reads, candidates in shown.matched(vectors):
        calibrated.append(ContentMatcher().match(reads, candidates, 0).scores.tolist())
        mean.append(mean_match(reads, candidates).tolist())
    aucs = {name: mind.auc(each, shown.clicked) for name, each in (("calibrated", calibrated), ("mean", mean))}
    each = np.arange(len(mean))
    for name, interval in intervals(aucs, each).items():
        print(f"{name:11} AUC {mind.interval_text(interval)}")
    gain = compare(aucs["calibrated"], aucs["mean"], each).difference
    verdict = "met" if gain.mean >= GOAL else "missed"
    print(f"gain            {mind.interval_text(gain)} on {len(mean)} impressions, paired; goal {GOAL}: {verdict}")


if __name__ == "__main__":
    main()
