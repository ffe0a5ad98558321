"""A calibrator with the name of exactly this one, and what is normal for it: what a bundle brings."""

from dataclasses import dataclass

from recsys.calibration.calibrator import Calibrator
from recsys.calibration.calibrator_files import digest_of, serialised
from recsys.calibration.token_detector import FLAGGED_CLEAN


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibrator for use. digest: of its file; flag_rate: share of the words of normal texts that it flags."""

    calibrator: Calibrator
    digest: str
    flag_rate: float = FLAGGED_CLEAN

    def name_of(self, encoder: str) -> str:
        """Name of the vectors that `encoder` gives with it; the plain one as long as nothing is adjusted."""
        return encoder if self.calibrator.strength.identity else f"{encoder}+{self.digest}"


def calibration_of(calibrator: Calibrator, flag_rate: float = FLAGGED_CLEAN) -> Calibration:
    """`calibrator` for use, before it has a file: training encodes with what it is about to publish."""
    return Calibration(calibrator, digest_of(serialised(calibrator)), flag_rate)
