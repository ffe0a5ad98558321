"""A bundle on trial beside the one that serves: some readers get its answers, some feeds it ranks unseen.

    HOME/bundles/CHALLENGER     JSON object: version, share, shadow

Every slate is logged with the model that made it, so the two arms of a test are told apart in the log. A slate
that nobody saw is kept apart from the log: it is no impression.
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
    """What a bundle is tried with.

    share: of the readers, who get its answers (an A/B test); shadow: of the feeds of all others, which it ranks
    too without being shown. Both in [0, 1].
    """

    version: str
    share: float = 0.0
    shadow: float = 0.0

    def answers(self, reader: str | None) -> bool:
        """Whether this reader is one of its share: always the same, in every process. An unnamed one is not."""
        return reader is not None and _drawn(self.version, "answers", reader) < self.share

    def shadows(self, request_id: str) -> bool:
        """Whether it ranks this feed unseen."""
        return _drawn(self.version, "shadows", request_id) < self.shadow


def load_experiment(home: Path) -> Experiment | None:
    """What is on trial; None if nothing is.

    Raises:
        BundleError: the file that says so cannot be read.
    """
    text = bundle.pointed(home, _POINTER)
    if text is None:
        return None
    try:
        return Experiment(**json.loads(text))
    except (ValueError, TypeError) as error:
        path = home / "bundles" / _POINTER
        raise BundleError(f"{path} cannot be read: {error}; `attune models end-trial` removes it") from error


def start(home: Path, chosen: Experiment, encoder: str) -> None:
    """Try `chosen` beside the active bundle; running services take it within a second.

    Raises:
        BundleError: no bundle is active, it is the active one, or it could not serve; what was on trial stays.
        RequestError: a share is not between 0 and 1, or both are 0.
    """
    if not (0 <= chosen.share <= 1 and 0 <= chosen.shadow <= 1) or chosen.share + chosen.shadow == 0:
        raise RequestError("share and shadow are between 0 and 1, and one of them is above 0")
    active = bundle.active_version(home)
    if active is None:
        raise BundleError("no bundle is active that another could be tried against: run `attune models activate`")
    if active == chosen.version:
        raise BundleError(f"bundle {active} is the active one: try another against it")
    load_system(bundle.load(home, chosen.version), encoder)
    bundle.point(home, _POINTER, json.dumps(asdict(chosen)))


def stop(home: Path) -> str | None:
    """Try nothing any more; returns what the file said was on trial, None if there was none."""
    text = bundle.pointed(home, _POINTER)
    bundle.unpoint(home, _POINTER)
    try:
        return None if text is None else Experiment(**json.loads(text)).version
    except (ValueError, TypeError):
        return "unreadable"


def _drawn(*names: str) -> float:
    """A number in [0, 1) that depends on nothing but the names."""
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
