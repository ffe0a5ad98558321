"""A bundle's files ↔ the parts of an engine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.errors import BundleError
from recsys.feed.engine import FeedEngine
from recsys.feed.selection.utility import PlattScaling, softplus_utility
from recsys.labels import grading
from recsys.models.bundle import Bundle, active_version, load
from recsys.models.calibrator_io import load_calibration
from recsys.ranking import expected_utility, lambdamart
from recsys.ranking.expected_utility import DwellRegressors, ValueRanker
from recsys.ranking.features.feature_set import ALL_FEATURES, TEXT_FREE, FeatureSet
from recsys.ranking.lambdamart import LambdaMart
from recsys.ranking.listwise_correction import SlateRanker
from recsys.ranking.ranker import Ranker
from recsys.state.live_state import LiveState
from recsys.state.snapshot import configuration_hash
from recsys.user_model.matcher import Matcher
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.network_weights import load_weights

if TYPE_CHECKING:
    from recsys.calibration.calibrator import Calibration

PREFERENCE, RERANKER, TEXT_FREE_RERANKER = "preference.safetensors", "reranker.txt", "reranker_without_content.txt"
FEED_RERANKER, FEED_TEXT_FREE = "reranker_feed.txt", "reranker_feed_without_content.txt"
READING_UTILITY, MINUTES = "reading_worth.txt", "reading_minutes.txt"
FULL_SYSTEM = "attune"
"""Name of the full system in manifests and reports."""

FEED_RANKER = "reranker_of_feeds"
"""Name of the ranker of feeds there."""

_REQUIRED = ("schema", "preference", "calibration", "content", "data", "validation", "value")


@dataclass(frozen=True, slots=True)
class TrainedSystem:
    """What a bundle adds to state and vectors. `manifest` has everything that is not a file.

    ranker: orders a slate; pointwise_ranker: more candidates than a slate holds; feed_ranker: chooses among those that
    retrieval brought together; value: the same by what reading is worth, None where feeds go by clicks;
    calibration: what its article vectors are calibrated with, None if they are not.
    """

    version: str
    matcher: Matcher
    ranker: Ranker
    text_free: Ranker
    feed_ranker: LambdaMart
    pointwise_ranker: LambdaMart
    validated_from: int
    trained_until: int
    manifest: Mapping[str, Any]
    value: ValueRanker | None = None
    calibration: "Calibration | None" = None


def schema(encoder: str) -> dict[str, Any]:
    """What a bundle must agree on with the code that loads it."""
    return {
        "encoder": encoder,
        "features": ALL_FEATURES.schema_id,
        "state": configuration_hash(LiveState()),
        "labels": grading.VERSION,
    }


def load_system(bundle: Bundle, encoder: str) -> TrainedSystem:
    """Load the networks and trees of `models.bundle`, to run on vectors of `encoder`.

    Raises:
        BundleError: the bundle was made for another encoder, feature set, state or label version.
    """
    _check_schema(bundle, encoder)
    features = ALL_FEATURES if bundle.manifest["content"]["on"] else TEXT_FREE
    weights = load_weights(bundle.path / PREFERENCE, bundle.manifest["preference"])
    alone = lambdamart.load(bundle.path / FEED_RERANKER, features.pointwise())
    # hundreds of candidates go through the trees with every feed, and every seed takes as long again
    feed_ranker = alone.first
    ranker, twin = _slate_rankers(bundle, alone, features)
    return TrainedSystem(
        version=bundle.version,
        matcher=NetworkMatcher(weights),
        ranker=ranker,
        text_free=twin,
        feed_ranker=feed_ranker,
        pointwise_ranker=alone,
        validated_from=int(bundle.manifest["data"]["validate_from"]),
        trained_until=int(bundle.manifest["data"]["until"]),
        manifest=bundle.manifest,
        value=_value(bundle, feed_ranker, features.pointwise()),
        calibration=load_calibration(bundle),
    )


def load_active(home: Path, encoder: str, version: str | None = None) -> TrainedSystem:
    """Load bundle `version`, or the active one.

    Raises:
        BundleError: there is no such bundle, or it does not fit.
    """
    chosen = version or active_version(home)
    if chosen is None:
        raise BundleError(f"no bundle is active in {home}: run `attune train` first")
    return load_system(load(home, chosen), encoder)


def active_system(home: Path, encoder: str) -> TrainedSystem | None:
    """The active bundle; None before the first.

    Raises:
        BundleError: the active bundle cannot be used.
    """
    return None if active_version(home) is None else load_active(home, encoder)


def with_models(engine: FeedEngine, system: TrainedSystem | None) -> FeedEngine:
    """`engine` with the models of `system`; without one, as it is."""
    if system is None:
        return engine
    fit = system.manifest["calibration"].get(FEED_RANKER, {})
    chance = PlattScaling(fit["slope"], fit["intercept"]) if fit.get("slope", 0) > 0 else PlattScaling()
    return replace(
        engine,
        matcher=system.matcher,
        ranker=system.ranker,
        feed_ranker=system.value or system.feed_ranker,
        pointwise_ranker=system.pointwise_ranker,
        model=system.version,
        utility=softplus_utility if system.value else chance,
    )


def _slate_rankers(bundle: Bundle, alone: LambdaMart, features: FeatureSet) -> tuple[Ranker, Ranker]:
    """What orders slates, and its twin that never sees texts."""
    ranker = lambdamart.load(bundle.path / RERANKER, features)
    twin = lambdamart.load(bundle.path / TEXT_FREE_RERANKER, TEXT_FREE)
    if "rivals" not in bundle.manifest:  # a bundle from before they corrected others
        return ranker, twin
    told = bundle.manifest["rivals"]
    alone_too = lambdamart.load(bundle.path / FEED_TEXT_FREE, TEXT_FREE.pointwise())
    return (
        SlateRanker(alone, ranker, _share(bundle, told)),
        SlateRanker(alone_too, twin, _share(bundle, told.get("text_free"))),
    )


def _share(bundle: Bundle, told: Mapping[str, Any] | None) -> float:
    share = (told or {}).get("share")
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        raise BundleError(f"bundle {bundle.version} is damaged: its manifest tells no share of rivals from 0 to 1")
    return float(share)


def _value(bundle: Bundle, clicks: LambdaMart, features: FeatureSet) -> ValueRanker | None:
    told = bundle.manifest["value"]
    # training leaves it off where the chance of a click does not rise with the score; older bundles may not
    if not told["on"] or told["slope"] <= 0:
        return None
    reading = expected_utility.load(bundle.path / READING_UTILITY, bundle.path / MINUTES, features)
    return ValueRanker(clicks, told["slope"], told["intercept"], reading, told["price"])


def write_trees(
    ranker: SlateRanker, text_free: SlateRanker, reading: DwellRegressors | None, folder: Path
) -> None:
    """Write the trees where `load_system` looks for them."""
    if reading is not None:
        reading.save(folder / READING_UTILITY, folder / MINUTES)
    for trees, alone, correction in (
        (ranker, FEED_RERANKER, RERANKER),
        (text_free, FEED_TEXT_FREE, TEXT_FREE_RERANKER),
    ):
        trees.alone.save(folder / alone)
        trees.correction.save(folder / correction)


def _check_schema(bundle: Bundle, encoder: str) -> None:
    missing = [name for name in _REQUIRED if not isinstance(bundle.manifest.get(name), dict)]
    if missing:
        raise BundleError(f"bundle {bundle.version} is damaged: its manifest lacks {', '.join(missing)}")
    variables = "ATTUNE_ENCODER, ATTUNE_ENCODER_MAX_TOKENS and ATTUNE_ENCODER_PRECISION"
    fixes = {"encoder": f"set {variables} to it, or train a new bundle"}
    for name, expected in schema(encoder).items():
        found = bundle.manifest["schema"].get(name)
        if found != expected:
            fix = fixes.get(name, "train a new bundle")
            raise BundleError(f"bundle {bundle.version} has {name} {found!r}, here it is {expected!r}: {fix}")
