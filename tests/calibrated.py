"""Calibrators for tests: one that adjusts every text it is shown, and bundles that carry one."""

import shutil
from dataclasses import replace

import numpy as np

from recsys.calibration.calibrator import Calibration, Calibrator, Strength
from recsys.calibration.calibrator_files import calibration_of
from recsys.models import bundle
from recsys.models.calibrator_io import write_calibration
from tests.trained import Place
from tests.unit.calibration.small import small_calibrator


def eager(calibrator: Calibrator | None = None, flag_rate: float = 1.0, **strength: float) -> Calibration:
    """Finds every text an anomaly and every word injected; all that is normal for it: no flood."""
    given = calibrator or small_calibrator()
    structure = replace(
        given.structure,
        limits=np.zeros_like(given.structure.limits),
        head_limits=np.full_like(given.structure.head_limits, 1e-6),
    )
    tokens = replace(given.tokens, threshold=0.0, limit=-100.0)
    chosen = strength or {"gamma": 3.0, "kappa": 0.1}
    return calibration_of(Calibrator(structure, tokens, Strength(**chosen)), flag_rate)


def with_calibration(place: Place, calibration: Calibration, version: str) -> bundle.Bundle:
    """Publish and activate the active bundle once more, as `version`, with `calibration`."""
    active = bundle.load(place.home, str(bundle.active_version(place.home)))

    def write(folder: object) -> dict[str, object]:
        for name in active.manifest["sha256"]:
            shutil.copy(active.path / name, folder / name)  # type: ignore[operator]
        return {**active.manifest, "attention": write_calibration(calibration, {"gain": 0.25}, folder)}  # type: ignore[arg-type]

    made = bundle.publish(place.home, version, write)
    bundle.activate(place.home, version)
    return made
