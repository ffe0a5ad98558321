"""Loss of the interest match by noisy clicks in histories, and the share that history calibration recovers.

Chance clicks are inserted among the reads of past slates; nothing is trained on them. Controls: the same weights
shuffled at random, short reads dropped, and an oracle that knows the chance clicks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.constants import BOUNCE_SECONDS
from recsys.cpu_threads import cpu_threads
from recsys.encoder.protocols import Encoder, Vectors
from recsys.evaluation import metrics
from recsys.models.bundle import active_version
from recsys.models.model_loader import load_bundle
from recsys.settings import Settings
from recsys.training.calibration.click_noise import Articles, with_noise, with_shuffled_dwell, without
from recsys.training.calibration.recent_slates import Newest
from recsys.training.calibration.robustness import standard_error
from recsys.training.training_run import Progress
from recsys.training.user_model_training import slate_aucs
from recsys.user_model.batch_scoring import one_by_one, scores
from recsys.user_model.content_matcher import ContentMatcher, mean_match
from recsys.user_model.matcher import Matcher, ReadHistory
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork

SHARES = (0.0, 0.1, 0.3, 0.6)
MEAN, OFF, CALIBRATED, RANDOM, DROP, ORACLE = "mean", "off", "calibrated", "random", "drop", "oracle"
ARMS = (OFF, CALIBRATED, RANDOM, DROP, ORACLE)

_Scorer = Callable[[PreferenceData], float]


def measure_noisy_clicks(
    newest: Newest, settings: Settings, encoder: Encoder, seeds: int, progress: Progress
) -> dict[str, Any]:
    """Run `noisy_clicks` on the usable slates of `newest`, with the active bundle's network, if any.

    Raises:
        BundleError: the active bundle cannot be used.
    """
    data = newest.data.only(newest.data.usable())
    with cpu_threads(settings.threads):
        return noisy_clicks(data, newest.articles, _served(settings, encoder), seeds, progress)


def _served(settings: Settings, encoder: Encoder) -> tuple[PreferenceNetwork, PreferenceNetwork] | None:
    """Return the network of the active bundle, uncalibrated and as served."""
    if active_version(settings.home) is None:
        return None
    matcher = load_bundle(settings.home, encoder.name).models.matcher
    if not isinstance(matcher, NetworkMatcher):
        return None
    on = PreferenceNetwork.of(matcher.weights)
    return on.calibrated(on.config.uncalibrated()), on


def noisy_clicks(
    data: PreferenceData,
    articles: Articles,
    network: tuple[PreferenceNetwork, PreferenceNetwork] | None,
    seeds: int,
    progress: Progress,
) -> dict[str, Any]:
    """Return AUCs by model, share of chance clicks and arm, on all slates of `data`; means of `seeds` draws.

    `network`: uncalibrated and calibrated; None leaves their rows out. Each entry also has `lost` (AUC without
    chance clicks less that of `off`), the `gain` of each arm over `off` with its standard error over the draws,
    and `recovered`, the gain as a share of the loss.
    """
    models = _models(articles, network)
    draws: dict[float, list[dict[str, dict[str, float]]]] = {}
    for number, share in enumerate(SHARES, start=1):
        draws[share] = [_draw(data, share, articles, models, seed) for seed in range(seeds)]
        progress("noisy clicks: shares", number, len(SHARES))
    return {
        "slates": len(data.at),
        "seeds": seeds,
        "models": {
            model: {
                f"{share:.0%}": _summary([draw[model] for draw in draws[share]], [d[model] for d in draws[0.0]])
                for share in SHARES
            }
            for model in models
        },
    }


def _models(
    articles: Articles, network: tuple[PreferenceNetwork, PreferenceNetwork] | None
) -> dict[str, tuple[_Scorer, _Scorer]]:
    """Return the AUC function without and with calibration, by model."""
    plain, calibrated = (
        _content(articles, matcher) for matcher in (ContentMatcher(dwell_weight=0.0), ContentMatcher())
    )
    models = {"content": (plain, calibrated)}
    if network is not None:
        off, on = (_network(articles, one) for one in network)
        models["network"] = (off, on)
    return models


def _draw(
    data: PreferenceData,
    share: float,
    articles: Articles,
    models: Mapping[str, tuple[_Scorer, _Scorer]],
    seed: int,
) -> dict[str, dict[str, float]]:
    """Return AUCs by model and arm."""
    rng = np.random.default_rng([seed, round(100 * share)])
    noisy = with_noise(data, share, articles, rng)
    shuffled = with_shuffled_dwell(noisy.data, rng)
    dropped = without(noisy.data, noisy.data.seconds < BOUNCE_SECONDS)
    oracle = without(noisy.data, noisy.injected)
    out = {
        model: {
            OFF: off(noisy.data),
            CALIBRATED: on(noisy.data),
            RANDOM: on(shuffled),
            DROP: off(dropped),
            ORACLE: off(oracle),
        }
        for model, (off, on) in models.items()
    }
    out["content"][MEAN] = _mean(articles)(noisy.data)
    return out


def _mean(articles: Articles) -> _Scorer:
    return lambda data: _auc(data, one_by_one(mean_match, data, np.arange(len(data.at)), articles.vectors))


def _content(articles: Articles, matcher: Matcher) -> _Scorer:
    def score(reads: ReadHistory, candidates: Vectors) -> NDArray[np.float64]:
        return matcher.match(reads, candidates, 0).scores

    return lambda data: _auc(data, one_by_one(score, data, np.arange(len(data.at)), articles.vectors))


def _network(articles: Articles, network: PreferenceNetwork) -> _Scorer:
    vectors = torch.from_numpy(articles.vectors)
    return lambda data: _auc(data, scores(network, data, np.arange(len(data.at)), vectors))


def _auc(data: PreferenceData, scored: Sequence[NDArray[np.float64]]) -> float:
    return metrics.mean(slate_aucs(data, np.arange(len(data.at)), scored))


def _summary(draws: Sequence[Mapping[str, float]], clean: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    aucs = {arm: np.asarray([draw[arm] for draw in draws]) for arm in draws[0]}
    lost = float(np.mean([draw[OFF] for draw in clean]) - aucs[OFF].mean())
    gains = {arm: auc - aucs[OFF] for arm, auc in aucs.items() if arm != OFF}
    return {
        "auc": {arm: float(auc.mean()) for arm, auc in aucs.items()},
        "lost": lost,
        "gain": {arm: [float(gain.mean()), standard_error(gain)] for arm, gain in gains.items()},
        "recovered": {arm: float(gain.mean() / lost) if lost > 0 else None for arm, gain in gains.items()},
    }
