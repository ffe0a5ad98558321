"""Result of one check of behaviour: a figure, its limit, a verdict and one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from recsys.settings import Settings

Verdict = Literal["pass", "fail", "unknown"]

ENTRY = "behaviour"
"""Entry of a result, and of a manifest, with the checks."""

FAIL: Verdict = "fail"

_DEFAULTS = Settings.model_fields


@dataclass(frozen=True, slots=True)
class BehaviourLimits:
    """Limits of the figures: see the settings, whose defaults they have.

    stability: least agreement of orders. popularity: most shown popularity over that of the candidates. loss:
    most AUC that a group of readers loses. shift: most share of exposure in other groups than what is read.
    """

    stability: float = _DEFAULTS["behaviour_stability"].default
    popularity: float = _DEFAULTS["behaviour_popularity"].default
    loss: float = _DEFAULTS["behaviour_loss"].default
    shift: float = _DEFAULTS["behaviour_shift"].default

    @classmethod
    def of(cls, settings: Settings) -> "BehaviourLimits":
        """Return the limits of an operator."""
        return cls(
            settings.behaviour_stability,
            settings.behaviour_popularity,
            settings.behaviour_loss,
            settings.behaviour_shift,
        )


@dataclass(frozen=True, slots=True)
class BehaviourCheck:
    """Outcome of one check. figure: None if there was too little to check. parts: more figures by name."""

    name: str
    figure: float | None
    limit: float
    verdict: Verdict
    sentence: str
    parts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def unknown(cls, name: str, limit: float, why: str) -> "BehaviourCheck":
        """Return a check without a verdict; `why` there is none, as a sentence."""
        return cls(name, None, limit, "unknown", why)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of a result."""
        return asdict(self)


def passing(holds: bool) -> Verdict:
    """Return the verdict of a figure within its limit or not."""
    return "pass" if holds else FAIL


def failed(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the sentences of the failed checks, given as entries of a result."""
    return [str(check["sentence"]) for check in checks if check["verdict"] == FAIL]
