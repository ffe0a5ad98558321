"""Activation of bundles. A bundle is checked completely before it becomes active."""

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
    """Published bundle. trained_until: microseconds; problem: why it could not serve, or None."""

    version: str
    active: bool
    trained_until: int | None = None
    validation: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


def models(home: Path, encoder: str) -> list[Model]:
    """Return all published bundles, newest first by name; each is checked with the `encoder` in use."""
    active = bundle.active_version(home)
    return [_model(home, encoder, version, version == active) for version in reversed(bundle.versions(home))]


def activate(home: Path, version: str, encoder: str) -> None:
    """Make `version` the active bundle; running services adopt it within a second.

    Raises:
        BundleError: it is missing, damaged, or made for another encoder, state or feature set; nothing changes.
    """
    load_system(bundle.load(home, version), encoder)
    bundle.activate(home, version)


def roll_back(home: Path, encoder: str) -> str:
    """Activate the bundle that was active before the current one; return its version.

    Raises:
        BundleError: there is no earlier bundle, or it cannot serve now; nothing changes.
    """
    before = bundle.previous_version(home)
    if before is None:
        raise BundleError("no other bundle was active before: choose one with `attune models activate`")
    activate(home, before, encoder)
    return before


def prunable_versions(home: Path, keep: int) -> list[str]:
    """Return the bundles that may be deleted, oldest first.

    These are all but the `keep` newest, the active one, the previous one, and the challenger.

    Raises:
        BundleError: the file of the current experiment cannot be read.
    """
    experiment = load_experiment(home)
    needed = {bundle.active_version(home), bundle.previous_version(home), experiment and experiment.version}
    return [version for version in bundle.versions(home)[:-keep] if version not in needed]


def _model(home: Path, encoder: str, version: str, active: bool) -> Model:
    try:
        system = load_system(bundle.load(home, version), encoder)
    except BundleError as error:
        return Model(version, active, problem=str(error))
    return Model(version, active, system.trained_until, system.manifest["validation"])
