"""The feature set: families in order, their names, and the schema id that a bundle stores."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from recsys.ranking.features import (
    affinity,
    context_article,
    entities,
    freshness,
    interest,
    popularity,
    position,
    relative_appeal,
    request_context,
    social,
    user_item_exposure,
)
from recsys.ranking.query import Family, FeatureInput, FloatArray

FAMILIES: tuple[Family, ...] = (
    popularity.FAMILY,
    relative_appeal.FAMILY,
    freshness.FAMILY,
    affinity.FAMILY,
    interest.FAMILY,
    user_item_exposure.FAMILY,
    context_article.FAMILY,
    request_context.FAMILY,
    position.FAMILY,
    social.FAMILY,
    entities.FAMILY,
)


LISTWISE = "_listwise"
"""Suffix of the names of columns that depend on the other candidates."""


@dataclass(frozen=True)
class FeatureSet:
    """Selected families, in order; without `listwise` only pointwise columns."""

    families: tuple[Family, ...] = FAMILIES
    listwise: bool = True

    @cached_property  # a replay reads it for every slate
    def names(self) -> tuple[str, ...]:
        """Column names [f]."""
        names = (name for family in self.families for name in family.names)
        return tuple(name for name in names if self.listwise or not name.endswith(LISTWISE))

    @property
    def schema_id(self) -> str:
        """Hash of the column names: models trained on other columns cannot be used."""
        return hashlib.blake2b("\n".join(self.names).encode(), digest_size=8).hexdigest()

    def without(self, family: str) -> "FeatureSet":
        """Return the set without one family, for ablations."""
        return replace(self, families=tuple(other for other in self.families if other.name != family))

    def pointwise(self) -> "FeatureSet":
        """Return the set without its listwise columns."""
        return replace(self, listwise=False)

    def columns_of(self, part: "FeatureSet") -> list[int]:
        """Return the column indices of a smaller set in this one."""
        return [self.names.index(name) for name in part.names]

    def compute(self, inputs: FeatureInput) -> FloatArray:
        """Return the features [n, f] of one request."""
        columns = np.concatenate([family.compute(inputs) for family in self.families], axis=1)
        if self.listwise:
            return columns
        return columns[:, replace(self, listwise=True).columns_of(self)]


ALL_FEATURES = FeatureSet()
TEXT_FREE = ALL_FEATURES.without("interest")
FEED_FEATURES = ALL_FEATURES.pointwise()
"""For candidates from retrieval: an added candidate must not change the order of the others."""
FEED_TEXT_FREE = FEED_FEATURES.without("interest")
