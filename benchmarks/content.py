"""Calibrated attention over histories against their mean, on English MIND impressions, nothing trained on them.

    python -m benchmarks.content [--data ../shared/data/mind-sample]

`--data` has news.jsonl and impressions.jsonl. Both match the same vectors of "category subcategory: title".
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import mind
from recsys.encoder.lazy import LazyEncoder
from recsys.evaluation.bootstrap import compare, intervals
from recsys.preference.content import ContentMatcher, mean_match
from recsys.settings import load_settings

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
    calibrated, mean = [], []
    for reads, candidates in shown.matched(LazyEncoder(load_settings()).encode(shown.texts)):
        calibrated.append(ContentMatcher().match(reads, candidates, 0).scores.tolist())
        mean.append(mean_match(reads, candidates).tolist())
    _report(mind.auc(calibrated, shown.clicked), mind.auc(mean, shown.clicked))


def _report(calibrated: NDArray[np.float64], mean: NDArray[np.float64]) -> None:
    each = np.arange(len(mean))
    held = intervals({"calibrated": calibrated, "mean of history": mean}, each)
    for name, interval in held.items():
        print(f"{name:16} AUC {mind.told(interval)}")
    gain = compare(calibrated, mean, each).difference
    verdict = "met" if gain.mean >= GOAL else "missed"
    print(f"gain             {mind.told(gain)} on {len(mean)} impressions, paired; goal {GOAL}: {verdict}")


if __name__ == "__main__":
    main()
