"""Gate for the history calibration: parts are on only if they help with noisy clicks and do no harm otherwise.

The trained network does not change; η, τ and the keep ratio are set afterwards, on the validation slice. The
values of a part are tested from the mildest to the strongest until the first failure: a fixed sequence of tests,
each of which may use all slates and the full level (Maurer, Hothorn and Lehmacher 1995). The strongest that passed
is on.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from recsys.cpu_threads import cpu_threads
from recsys.evaluation.bootstrap import compare
from recsys.training.calibration.article_gate import passes
from recsys.training.calibration.click_noise import Articles, with_noise
from recsys.training.user_model_training import slate_aucs
from recsys.user_model.batch_scoring import EncodedSlates, histories, masked
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.network_weights import PreferenceConfig
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork

NOISE, DRAWS = 0.3, 3
"""Share of chance clicks in the histories of the robustness test, and number of draws."""

PARTS: dict[str, tuple[tuple[float, ...], ...]] = {
    "dwell_weight": ((1.0, 2.0, 4.0, 8.0),),
    "temperature": ((0.8, 0.6, 0.4), (1.25, 1.6, 2.5)),
    "keep": ((0.9, 0.75, 0.5),),
}
"""Tested values by field of `PreferenceConfig`, in this order, each on top of the parts already on.

A temperature may go either way; the second way is tested only if the first fails at once.
"""

_MOST_SLATES = 4_000
TIMED, REPEATS = 60, 9
_CANDIDATES = 300
"""Candidates in the timed match, as many as a feed matches."""


def gate_histories(
    network: PreferenceNetwork, data: PreferenceData, slates: NDArray[np.int64], articles: Articles, seed: int
) -> tuple[PreferenceConfig, dict[str, Any]]:
    """Return the calibration that passes, and the decision with its metrics for the manifest.

    A part is on if, on usable validation `slates` [m], the lower bound of its change of AUC is at least −0.002,
    that of its gain with noisy clicks is above 0, and the 95th percentile of the time of a match grows by at most
    10%.
    """
    data = data.only(slates[-_MOST_SLATES:])
    config, parts = network.config, {}
    if len(data.at):
        benchmark = _HistoryBenchmark(network, data, articles, seed)
        for part, ways in PARTS.items():
            config, parts[part] = _strongest(benchmark, config, part, ways)
    return config, {
        "slates": len(data.at),
        "noise": NOISE,
        "draws": DRAWS,
        "parts": parts,
        "importance": importance_figures(network, data, articles, seed),
    }


def _strongest(
    benchmark: "_HistoryBenchmark", off: PreferenceConfig, part: str, ways: Sequence[Sequence[float]]
) -> tuple[PreferenceConfig, dict[str, Any]]:
    """Return the configuration with the strongest value of `part` that passes, and all decisions."""
    tried, best = [], off
    for values in ways:
        for value in values:
            config = replace(off, **{part: value})  # type: ignore[arg-type]
            verdict = benchmark.verdict(off, config)
            tried.append({"value": value, **verdict})
            if not verdict["passed"]:
                break
            best = config
        if best != off:
            break
    return best, {"on": best != off, "value": getattr(best, part), "tried": tried}


class _HistoryBenchmark:
    """The same slates with clean and with noisy histories."""

    def __init__(self, network: PreferenceNetwork, data: PreferenceData, articles: Articles, seed: int) -> None:
        draws = np.random.default_rng(seed).spawn(DRAWS)
        self._network, self._clean, self._articles = network, data, articles
        self._slates = np.arange(len(data.at))
        vectors = torch.from_numpy(articles.vectors).to(network.log_scale.device)
        noisy = [with_noise(data, NOISE, articles, rng).data for rng in draws]
        # a calibration changes only the last step of the network, so each history is encoded once
        self._encoded, *self._encoded_noisy = (
            EncodedSlates.of(network, each, self._slates, vectors) for each in (data, *noisy)
        )
        self._known: dict[PreferenceConfig, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def auc(self, config: PreferenceConfig) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the AUC of each slate [m]: clean, and noisy as the mean of the draws."""
        if config not in self._known:
            network = self._network.calibrated(config)
            noisy = np.mean([self._auc(network, encoded) for encoded in self._encoded_noisy], axis=0)
            self._known[config] = self._auc(network, self._encoded), noisy
        return self._known[config]

    def verdict(self, off: PreferenceConfig, on: PreferenceConfig) -> dict[str, Any]:
        """Decide if `on` may replace `off`, with the metrics. Time is taken only of what ranks well enough."""
        changes = zip(self.auc(on), self.auc(off), strict=True)
        clean, robust = (compare(new, old, self._clean.reader).difference for new, old in changes)
        growth = self._growth(off, on) if passes(clean, robust) else None
        return {
            "passed": growth is not None and passes(clean, robust, growth),
            "clean": asdict(clean),
            "robust": asdict(robust),
            "latency": growth,
        }

    def _auc(self, network: PreferenceNetwork, encoded: EncodedSlates) -> NDArray[np.float64]:
        return slate_aucs(self._clean, self._slates, encoded.scores(network))

    def _growth(self, off: PreferenceConfig, on: PreferenceConfig) -> float:
        """Return the growth factor of the 95th percentile over slates of the time of a feed's match.

        CPU time, so that other processes have no effect. The fastest repeat counts; each uses a new history
        object, because a matcher caches by object.
        """
        data, weights = self._clean, self._network.weights()
        matchers = [NetworkMatcher(weights.calibrated(config)) for config in (off, on)]
        slates = self._slates[:TIMED]
        spent = np.full((2, len(slates)), np.inf)
        with cpu_threads(1):
            for place, slate in enumerate(slates):
                reads = data.history(int(slate), self._articles.vectors)
                candidates = self._articles.vectors[np.resize(data.shown(int(slate)), _CANDIDATES)]
                for _ in range(REPEATS):
                    for which, matcher in enumerate(matchers):
                        fresh = reads.last(len(reads))
                        start_time = time.thread_time()
                        matcher.match(fresh, candidates, 0)
                        spent[which, place] = min(spent[which, place], time.thread_time() - start_time)
        before, after = np.percentile(spent, 95, axis=1)
        return float(after / before)


def importance_figures(
    network: PreferenceNetwork, data: PreferenceData, articles: Articles, seed: int
) -> dict[str, Any]:
    """Return the labels of the importance head, and its AUROC on reads with hidden dwell."""
    known = data.important >= 0
    if not known.any():
        return {"trained_on": "clicks alone: no read of known outcome in the log", "auroc": None}
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(data.at))[:1_000])
    vectors = torch.from_numpy(articles.vectors).to(network.log_scale.device)
    history = histories(data, rows, vectors)
    outcome = data.important[rows][:, : history.mask.shape[1]]
    masked_reads = masked(outcome, 0.2, rng)
    with torch.inference_mode():
        odds = network.importance(
            network.read(history.without_dwell(torch.from_numpy(masked_reads).to(vectors.device)))
        )
    truth = outcome[masked_reads]
    both_classes = len(np.unique(truth)) == 2
    return {
        "trained_on": "clicks, and the outcome of reads",
        "important": float(data.important[known].mean()),
        "auroc": float(roc_auc_score(truth, odds.cpu().numpy()[masked_reads])) if both_classes else None,
        "judged": int(masked_reads.sum()),
    }
