"""Models of one engine, replaced together as one value."""

from dataclasses import dataclass

from recsys.encoder.vector_space import RAW, VectorSpace
from recsys.ranking.age_support import EVERY_AGE, AgeSupport
from recsys.ranking.ranker import HeuristicRanker, Ranker
from recsys.ranking.score_scaling import PlattScaling, Utility
from recsys.user_model.content_matcher import ContentMatcher
from recsys.user_model.matcher import Matcher

UNTRAINED = "starting"
"""Version of the models that serve before training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Models of one engine.

    version: label of every answer. matcher: reads → interest in an article. listwise: ranker for candidates shown
    together. pointwise: ranker for lists longer than a slate. feed: ranker for candidates from retrieval. utility:
    scores of `feed` → utility against minutes. space: of the article vectors that `matcher` was trained on. ages:
    of articles in the log that trained the rankers.
    """

    version: str
    matcher: Matcher
    listwise: Ranker
    pointwise: Ranker
    feed: Ranker
    utility: Utility
    space: VectorSpace = RAW
    ages: AgeSupport = EVERY_AGE

    @classmethod
    def untrained(cls, matcher: Matcher | None = None) -> "Models":
        """Return the models that need no training; `matcher` replaces the content match."""
        ranker = HeuristicRanker()
        return cls(
            version=UNTRAINED,
            matcher=matcher or ContentMatcher(),
            listwise=ranker,
            pointwise=ranker,
            feed=ranker,
            utility=PlattScaling(),
        )
