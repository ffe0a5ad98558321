"""A calibrator of networks that hardly trained, on made-up observations: quick to make."""

from functools import cache

import numpy as np

from recsys.calibration.calibrator import Calibrator
from recsys.calibration.head_anomaly_detector import fit_structure
from recsys.calibration.normal_profile import Profile
from recsys.calibration.token_detector import fit_tokens, token_batch
from recsys.calibration.training_loop import FitConfig
from tests.unit.calibration.observations import HEADS, LAYERS, normal


@cache
def small_calibrator() -> Calibrator:
    """Made once; of no strength."""
    seen, quick = normal(600, seed=20), FitConfig(epochs=1)
    profile = Profile(LAYERS, HEADS)
    profile.add(seen)
    injected = np.random.default_rng(0).random(seen.tokens.shape[:2]) < 0.2
    batch = token_batch(seen, injected)
    return Calibrator(fit_structure(profile, [seen], quick), fit_tokens([batch], [batch], quick))
