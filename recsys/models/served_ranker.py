"""Choice of the ranker that a bundle serves: its full system, or one of its parts, as its training decided."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from recsys.errors import BundleError
from recsys.models.model_set import Models
from recsys.ranking.blend import Blend
from recsys.ranking.column_ranker import COLUMN_RANKERS, CONTENT_MATCH, NETWORK
from recsys.ranking.listwise_correction import ListwiseRanker
from recsys.ranking.ranker import HeuristicRanker, Ranker
from recsys.ranking.score_scaling import PlattScaling

FULL_SYSTEM = "attune"
"""Name of what a bundle serves, in manifests and reports: the full ranker, unless a part of it serves."""

FULL_RANKER = "full_ranker"
"""Row of the full ranker where a part serves."""

TEXT_FREE = "attune_without_text"
POINTWISE = "pointwise_ranker"
UNTRAINED = "untrained"
BLEND = "blend"
"""Names of parts: the text-free and the pointwise ranker, the ranker that serves before training, and a blend."""

PARTS = (TEXT_FREE, POINTWISE, NETWORK, CONTENT_MATCH, UNTRAINED, BLEND)
"""Parts that may serve alone."""

PART_NAMES: Mapping[str, str] = {
    FULL_SYSTEM: "the full ranker",
    TEXT_FREE: "the ranker without text",
    POINTWISE: "the pointwise ranker",
    NETWORK: "the preference network alone",
    CONTENT_MATCH: "the untrained content match",
    UNTRAINED: "the untrained ranker",
    BLEND: "the blend of the full ranker, the ranker without text and the untrained ranker",
}
"""Names in messages."""

ENTRY = "ranking"
"""Entry of the manifest with the choice."""


@dataclass(frozen=True, slots=True)
class ServedRanker:
    """Chosen system of a bundle, by its name in `PART_NAMES`."""

    system: str = FULL_SYSTEM

    @classmethod
    def of(cls, version: str, manifest: Mapping[str, Any]) -> "ServedRanker":
        """Read the choice from a manifest; without an entry the full ranker serves.

        Raises:
            BundleError: the manifest names a ranker that does not exist.
        """
        system = manifest.get(ENTRY, {}).get("system", FULL_SYSTEM)
        if system not in PART_NAMES:
            raise BundleError(f"bundle {version} ranks with {system!r}, which is unknown: train a new bundle")
        return cls(system)

    def models(
        self, full: Models, full_ranker: ListwiseRanker, text_free: ListwiseRanker, chance: PlattScaling
    ) -> Models:
        """Return `full` with the rankers of the choice; `chance`: click probability from its scores."""
        if self.system == FULL_SYSTEM:
            return full
        if self.system == POINTWISE:
            return replace(full, listwise=full.pointwise)
        if self.system == TEXT_FREE:
            base = text_free.base
            return replace(full, listwise=text_free, pointwise=base, feed=base.first, utility=chance)
        if self.system == BLEND:
            clicks = full_ranker.base
            return replace(
                full,
                listwise=Blend(full_ranker, text_free),
                pointwise=Blend(clicks, text_free.base, listwise=False),
                feed=Blend(clicks.first, text_free.base.first, listwise=False),
                utility=chance,
            )
        ranker: Ranker = HeuristicRanker() if self.system == UNTRAINED else COLUMN_RANKERS[self.system]
        return replace(full, listwise=ranker, pointwise=ranker, feed=ranker, utility=chance)
