"""A bundle's calibrator: written, loaded, and put between articles and their encoder."""

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
    """Write the calibrator into a bundle's folder. Returns what `manifest["attention"]` must be.

    `figures` are what training measured, to be told with it.
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
    """The calibrator of `models.bundle`; None if it brings none.

    Raises:
        BundleError: the file is missing, damaged, or not the one that the manifest tells of.
    """
    told = bundle.manifest.get("attention") or {}
    if "calibrator" not in told:
        return None
    from recsys.calibration.calibrator import Calibration
    from recsys.calibration.calibrator_files import digest, load_calibrator

    path = bundle.path / ATTENTION
    calibrator, found = load_calibrator(path), digest(path)
    if told["calibrator"] != found or not isinstance(told.get("flag_rate"), float):
        raise BundleError(f"bundle {bundle.version} is damaged: {ATTENTION} is not the calibrator of its manifest")
    return Calibration(calibrator, found, told["flag_rate"])


def article_encoder(
    encoder: ModelEncoder,
    calibration: "Calibration | None",
    breaker: Breaker | None = None,
    listeners: "Sequence[Listener]" = (),
) -> Encoder:
    """What reads articles, serving and offline alike: `encoder`, with `calibration` if there is one.

    `breaker` guards the calibration; None: a new one.
    """
    if calibration is None:
        return encoder
    from recsys.encoder.calibrated_encoder import CalibratedEncoder

    guard = breaker or Breaker(calibration.flag_rate)
    return CalibratedEncoder(encoder, calibration, guard, listeners)
