"""Which parts of the history calibration are switched on: only what helps with noisy clicks and never hurts.

The trained network is left as it is; η, τ and the keep ratio are set afterwards, on the validation slice. One half
of its readers chooses a value, the other half judges it, so that no choice is judged on what it was made for.
"""

import time
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from recsys.encoder.device import threads
from recsys.evaluation.bootstrap import compare
from recsys.preference.data import PreferenceData
from recsys.preference.matcher import NetworkMatcher
from recsys.preference.network import PreferenceConfig, PreferenceNetwork
from recsys.preference.scoring import histories, scores, withheld
from recsys.training.attention.clicks import Articles, with_noise
from recsys.training.preference import slate_auc

NOISE = 0.3
"""Share of chance clicks in the histories that the robust figures are measured with."""

PARTS: dict[str, tuple[float, ...]] = {
    "dwell_weight": (1.0, 2.0, 4.0, 8.0, 16.0),
    "temperature": (0.5, 0.7, 1.4, 2.0),
    "keep": (0.8, 0.6, 0.4),
}
"""What is tried, by field of `PreferenceConfig`, in this order: each on top of the parts already on."""

LEAST_CLEAN = -0.002
MOST_GROWTH = 1.10
_MOST_SLATES = 4_000
_TIMED, _REPEATS = 60, 9


def gate(
    network: PreferenceNetwork, data: PreferenceData, slates: NDArray[np.int64], articles: Articles, seed: int
) -> tuple[PreferenceConfig, dict[str, Any]]:
    """The calibration that passes, and the decision with its figures, for the manifest.

    A part is on if, on usable validation `slates` [m], the lower bound of its change of AUC is at least −0.002,
    that of its gain with noisy clicks is above 0, and the 95th percentile of the time of a match grows by 10% at
    most.
    """
    data = data.only(slates[-_MOST_SLATES:])
    halves = data.reader % 2 == 0
    choosing, judging = (data.only(np.flatnonzero(half)) for half in (halves, ~halves))
    config, parts = network.config, {}
    if len(choosing.at) and len(judging.at):
        chosen_on, judged_on = (_Pair(network, part, articles, seed) for part in (choosing, judging))
        for part, values in PARTS.items():
            tried = [replace(config, **{part: value}) for value in values]  # type: ignore[arg-type]
            best = max(tried, key=lambda of: sum(float(np.nanmean(auc)) for auc in chosen_on.auc(of)))
            found = judged_on.verdict(config, best)
            parts[part] = {"value": getattr(best, part), **found}
            config = best if found["on"] else config
    on = {part: getattr(config, part) for part in PARTS}
    figures = {
        "slates": {"choosing": len(choosing.at), "judging": len(judging.at)},
        "noise": NOISE,
        "parts": parts,
        "calibration": on,
        "importance": importance_figures(network, data, articles, seed),
    }
    return config, figures


class _Pair:
    """The same slates with clean and with noisy histories."""

    def __init__(self, network: PreferenceNetwork, data: PreferenceData, articles: Articles, seed: int) -> None:
        noisy = with_noise(data, NOISE, articles, np.random.default_rng(seed)).data
        self._network, self._both, self._articles = network, (data, noisy), articles
        self._vectors = torch.from_numpy(articles.vectors).to(network.log_scale.device)
        self._slates = np.arange(len(data.at))

    def auc(self, config: PreferenceConfig) -> tuple[NDArray[np.float64], ...]:
        """AUC of each slate, clean and noisy, [m] each."""
        network = self._network.calibrated(config)
        return tuple(
            slate_auc(data, self._slates, scores(network, data, self._slates, self._vectors))
            for data in self._both
        )

    def verdict(self, off: PreferenceConfig, on: PreferenceConfig) -> dict[str, Any]:
        """Whether `on` may replace `off`, with the figures that say so."""
        changes = zip(self.auc(on), self.auc(off), strict=True)
        clean, robust = (compare(new, old, self._both[0].reader).difference for new, old in changes)
        growth = self._growth(off, on)
        passed = clean.low >= LEAST_CLEAN and robust.low > 0 and growth <= MOST_GROWTH
        return {"on": passed, "clean": asdict(clean), "robust": asdict(robust), "latency": growth}

    def _growth(self, off: PreferenceConfig, on: PreferenceConfig) -> float:
        """By what factor the 95th percentile over slates of the time of a match grows; of repeats the quickest."""
        data, matchers = self._both[0], [NetworkMatcher(self._network.calibrated(config)) for config in (off, on)]
        slates = self._slates[:_TIMED]
        spent = np.full((2, len(slates)), np.inf)
        with threads(1):
            for place, slate in enumerate(slates):
                reads = data.history(int(slate), self._articles.vectors)
                candidates = self._articles.vectors[data.shown(int(slate))]
                for _ in range(_REPEATS):
                    for which, matcher in enumerate(matchers):
                        began = time.perf_counter()
                        matcher.match(reads, candidates, 0)
                        spent[which, place] = min(spent[which, place], time.perf_counter() - began)
        before, after = np.percentile(spent, 95, axis=1)
        return float(after / before)


def importance_figures(
    network: PreferenceNetwork, data: PreferenceData, articles: Articles, seed: int
) -> dict[str, Any]:
    """What the importance head was trained on, and its AUROC on reads whose dwell is withheld from it."""
    known = data.important >= 0
    if not known.any():
        return {"trained_on": "clicks alone: no read of known outcome in the log", "auroc": None}
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(data.at))[:1_000])
    vectors = torch.from_numpy(articles.vectors).to(network.log_scale.device)
    history = histories(data, rows, vectors)
    outcome = data.important[rows][:, : history.mask.shape[1]]
    judged = withheld(outcome, 0.2, rng)
    with torch.inference_mode():
        odds = network.importance(network.read(history.without_dwell(torch.from_numpy(judged).to(vectors.device))))
    truth = outcome[judged]
    two = len(np.unique(truth)) == 2
    return {
        "trained_on": "clicks, and the outcome of reads",
        "important": float(data.important[known].mean()),
        "auroc": float(roc_auc_score(truth, odds.cpu().numpy()[judged])) if two else None,
        "judged": int(judged.sum()),
    }
