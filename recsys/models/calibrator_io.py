"""Calibrator of a bundle: written, loaded, and applied to the article encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.calibration.breaker import Breaker
from recsys.encoder.protocols import Encoder, ModelEncoder
from recsys.errors import BundleError
from recsys.models.bundle import Bundle

if TYPE_CHECKING:
    from recsys.calibration.calibrator import Calibration
    from recsys.calibration.listener import Listener

ATTENTION = "attention.safetensors"


def write_calibration(calibration: "Calibration", figures: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write the calibrator into a bundle's folder; return the value of `manifest["attention"]`.

    `figures` are measurements of the training, which go into the manifest.
    """
    from recsys.calibration.calibrator_files import save_calibrator

    save_calibrator(calibration.calibrator, folder / ATTENTION)
    return {
        **figures,
        "calibrator": calibration.digest,
        "strength": asdict(calibration.calibrator.strength),
        "flag_rate": calibration.flag_rate,
    }


def load_calibration(bundle: Bundle) -> "Calibration | None":
    """Load the calibrator of `bundle`; return None if it has none.

    Raises:
        BundleError: the file is missing, damaged, or not the one named in the manifest.
    """
    entry = bundle.manifest.get("attention") or {}
    if "calibrator" not in entry:
        return None
    from recsys.calibration.calibrator import Calibration
    from recsys.calibration.calibrator_files import digest, load_calibrator

    path = bundle.path / ATTENTION
    calibrator, found = load_calibrator(path), digest(path)
    if entry["calibrator"] != found or not isinstance(entry.get("flag_rate"), float):
        raise BundleError(
            f"bundle {bundle.version} is damaged: {ATTENTION} does not match its manifest; train a new bundle"
        )
    return Calibration(calibrator, found, entry["flag_rate"])


def article_encoder(
    encoder: ModelEncoder,
    calibration: "Calibration | None",
    breaker: Breaker | None = None,
    listeners: "Sequence[Listener]" = (),
) -> Encoder:
    """Return the article encoder of serving and evaluation: `encoder`, with `calibration` if there is one.

    `breaker` protects the calibration; None makes a new one.
    """
    if calibration is None:
        return encoder
    from recsys.encoder.calibrated_encoder import CalibratedEncoder

    circuit = breaker or Breaker(calibration.flag_rate)
    return CalibratedEncoder(encoder, calibration, circuit, listeners)
