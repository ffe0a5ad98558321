"""Choosing the bundle that serves: checked whole before it is pointed to, so that a bad one changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsys.errors import BundleError
from recsys.models import bundle
from recsys.models.model_loader import load_system
from recsys.serving.experiment import load_experiment


@dataclass(frozen=True, slots=True)
class Model:
    """A published bundle. trained_until: microseconds; problem: why it could not serve, None if it could."""

    version: str
    active: bool
    trained_until: int | None = None
    validation: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


def models(home: Path, encoder: str) -> list[Model]:
    """All published bundles, the newest first by name, each judged by its files and by the `encoder` in use."""
    active = bundle.active_version(home)
    return [_model(home, encoder, version, version == active) for version in reversed(bundle.versions(home))]


def activate(home: Path, version: str, encoder: str) -> None:
    """Make `version` the one that serves; running services take it within a second.

    Raises:
        BundleError: it is missing, damaged, or made for another encoder, state or feature set; the old one stays.
    """
    load_system(bundle.load(home, version), encoder)
    bundle.activate(home, version)


def roll_back(home: Path, encoder: str) -> str:
    """Go back to the bundle that served before the active one; returns its version.

    Raises:
        BundleError: no other one served before, or it cannot serve now; the active one stays.
    """
    before = bundle.previous_version(home)
    if before is None:
        raise BundleError("no other bundle served before the active one, so there is none to go back to")
    activate(home, before, encoder)
    return before


def prunable_versions(home: Path, keep: int) -> list[str]:
    """Bundles that may go, oldest first: all but the `keep` newest, what serves or served last, and the one tried.

    Raises:
        BundleError: the file that says what is on trial cannot be read.
    """
    tried = load_experiment(home)
    needed = {bundle.active_version(home), bundle.previous_version(home), tried and tried.version}
    return [version for version in bundle.versions(home)[:-keep] if version not in needed]


def _model(home: Path, encoder: str, version: str, active: bool) -> Model:
    try:
        system = load_system(bundle.load(home, version), encoder)
    except BundleError as error:
        return Model(version, active, problem=str(error))
    return Model(version, active, system.trained_until, system.manifest["validation"])
