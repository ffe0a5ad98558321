"""Calibrator of a bundle: written, loaded, and applied to the article encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.calibration.breaker import Breaker
from recsys.calibration.file_digest import digest
from recsys.calibration.strength import Strength
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


@dataclass(frozen=True, slots=True)
class CalibratorFile:
    """Calibrator of a bundle that is not read yet: reading it loads torch.

    bundle: its version; digest: of the file; flag_rate: share of flagged words in normal texts; identity: True if
    it adjusts nothing.
    """

    bundle: str
    path: Path
    digest: str
    flag_rate: float
    identity: bool

    def name_of(self, encoder: str) -> str:
        """Return the name of the vectors of `encoder` with this calibration: see `Calibration.name_of`."""
        return encoder if self.identity else f"{encoder}+{self.digest}"

    def read(self) -> "Calibration":
        """Read the calibrator, once for equal files.

        Raises:
            BundleError: the file is missing or damaged.
        """
        return _read(self)


def find_calibrator(bundle: Bundle) -> CalibratorFile | None:
    """Return the calibrator of `bundle`; None if it has none.

    Raises:
        BundleError: the file is missing, or not the one named in the manifest.
    """
    entry = bundle.manifest.get("attention") or {}
    if "calibrator" not in entry:
        return None
    path = bundle.path / ATTENTION
    try:
        found, strength = digest(path), Strength(**entry["strength"])
    except (OSError, KeyError, TypeError) as error:
        raise BundleError(f"attention calibrator {path} cannot be read: {error}; train a new bundle") from error
    if entry["calibrator"] != found or not isinstance(entry.get("flag_rate"), float):
        raise BundleError(
            f"bundle {bundle.version} is damaged: {ATTENTION} does not match its manifest; train a new bundle"
        )
    return CalibratorFile(bundle.version, path, found, entry["flag_rate"], strength.identity)


@lru_cache(maxsize=2)
def _read(file: CalibratorFile) -> "Calibration":
    from recsys.calibration.calibrator import Calibration
    from recsys.calibration.calibrator_files import load_calibrator

    return Calibration(load_calibrator(file.path), file.digest, file.flag_rate)


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
