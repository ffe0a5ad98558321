"""Experiment: a challenger beside the active bundle, which answers some readers or feeds, or makes shadow slates.

    HOME/bundles/CHALLENGER     JSON object: version, share, shadow, interleave

Every slate is logged with the version that made it, so the log shows the two arms of an A/B test. Shadow slates
are stored outside the log: they are not impressions.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from recsys.errors import BundleError, RequestError
from recsys.models import bundle
from recsys.models.model_loader import load_system

_POINTER = "CHALLENGER"


@dataclass(frozen=True, slots=True)
class Experiment:
    """Settings of an experiment.

    share: share of readers who get the challenger's answers (an A/B test). shadow, interleave: shares of the feeds
    of all other readers for which it makes a shadow slate, and into which its slate is interleaved. All in [0, 1].
    """

    version: str
    share: float = 0.0
    shadow: float = 0.0
    interleave: float = 0.0

    def answers(self, reader: str | None) -> bool:
        """Return True if the challenger answers this reader: the same in every process, False without an id."""
        return reader is not None and _hash_fraction(self.version, "answers", reader) < self.share

    def shadows(self, request_id: str) -> bool:
        """Return True if the challenger makes a shadow slate for this feed."""
        return _hash_fraction(self.version, "shadows", request_id) < self.shadow

    def interleaves(self, request_id: str) -> bool:
        """Return True if the challenger's slate is interleaved into this feed."""
        return _hash_fraction(self.version, "interleaves", request_id) < self.interleave


def load_experiment(home: Path) -> Experiment | None:
    """Return the current experiment, or None.

    Raises:
        BundleError: its file cannot be read.
    """
    text = bundle.pointed(home, _POINTER)
    if text is None:
        return None
    try:
        return Experiment(**json.loads(text))
    except (ValueError, TypeError) as error:
        path = home / "bundles" / _POINTER
        raise BundleError(f"{path} cannot be read: {error}; run `attune models end-trial` to remove it") from error


def start(home: Path, experiment: Experiment, encoder: str) -> None:
    """Start `experiment` beside the active bundle; running services adopt it within a second.

    Raises:
        BundleError: no bundle is active, it is the challenger itself, or the challenger cannot serve.
        RequestError: a share is not between 0 and 1, or all are 0.
    """
    shares = (experiment.share, experiment.shadow, experiment.interleave)
    if not all(0 <= share <= 1 for share in shares) or sum(shares) == 0:
        raise RequestError("share, shadow and interleave must be between 0 and 1, and one of them above 0")
    active = bundle.active_version(home)
    if active is None:
        raise BundleError("no bundle is active to compare the challenger with: run `attune models activate` first")
    if active == experiment.version:
        raise BundleError(f"bundle {active} is the active one: choose another bundle as challenger")
    load_system(bundle.load(home, experiment.version), encoder)
    bundle.point(home, _POINTER, json.dumps(asdict(experiment)))


def stop(home: Path) -> str | None:
    """End the experiment; return the version of its challenger, or None without an experiment."""
    text = bundle.pointed(home, _POINTER)
    bundle.unpoint(home, _POINTER)
    try:
        return None if text is None else Experiment(**json.loads(text)).version
    except (ValueError, TypeError):
        return "unreadable"


def _hash_fraction(*names: str) -> float:
    """Return a number in [0, 1) that depends only on the names."""
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
