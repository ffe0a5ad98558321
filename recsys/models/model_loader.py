"""Conversion between the files of a bundle and models in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.encoder.vector_space import load_space
from recsys.errors import BundleError
from recsys.labels import grading
from recsys.models.bundle import Bundle, active_version, load
from recsys.models.calibrator_io import CalibratorFile, find_calibrator
from recsys.models.model_set import Models
from recsys.models.served_ranker import FULL_SYSTEM as FULL_SYSTEM
from recsys.models.served_ranker import ServedRanker
from recsys.ranking import expected_utility, lambdamart
from recsys.ranking.age_support import AgeSupport
from recsys.ranking.expected_utility import DwellRegressors, UtilityRanker
from recsys.ranking.features.feature_set import ALL_FEATURES, TEXT_FREE, FeatureSet
from recsys.ranking.lambdamart import LambdaMart
from recsys.ranking.listwise_correction import ListwiseRanker
from recsys.ranking.score_scaling import PlattScaling, softplus_utility
from recsys.state.live_state import LiveState
from recsys.state.snapshot import configuration_hash
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.network_weights import load_weights

if TYPE_CHECKING:
    from recsys.calibration.calibrator import Calibration

USER_MODEL, VECTOR_SPACE = "user_model.safetensors", "vector_space.safetensors"
POINTWISE_TREES, LISTWISE_TREES = "pointwise.txt", "listwise_correction.txt"
TEXT_FREE_POINTWISE_TREES, TEXT_FREE_LISTWISE_TREES = (
    "pointwise_text_free.txt",
    "listwise_correction_text_free.txt",
)
READ_UTILITY_TREES, READ_MINUTES_TREES = "read_utility.txt", "read_minutes.txt"
AGES = "ages"
"""Entry of the manifest with the ages of articles that the log supports."""

FEED_RANKER = "feed_ranker"
"""Name of the click ranker of feeds in manifests and reports."""

_REQUIRED = (
    "schema", "user_model", "score_calibration", "text_features", "data", "validation", "utility", "correction",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedSystem:
    """Bundle in memory.

    models: models for an engine. served: choice of their ranker. full: listwise ranker of the full system, with
    its pointwise trees as `base`. text_free: the same without text features. click_ranker: pointwise ranker of
    clicks for feeds. value: ranker of feeds by expected utility; None if feeds are ranked by clicks.
    validated_from, trained_until: microseconds. manifest: content of the manifest. calibrator: file of the
    calibrator of article vectors; None if the bundle has none.
    """

    models: Models
    served: ServedRanker
    full: ListwiseRanker
    text_free: ListwiseRanker
    click_ranker: LambdaMart
    value: UtilityRanker | None
    validated_from: int
    trained_until: int
    manifest: Mapping[str, Any]
    calibrator: CalibratorFile | None = None

    @property
    def version(self) -> str:
        """Version of the bundle."""
        return self.models.version

    @property
    def calibration(self) -> "Calibration | None":
        """Calibration of article vectors, read from its file; None if the bundle has none."""
        return None if self.calibrator is None else self.calibrator.read()


def schema(encoder: str) -> dict[str, Any]:
    """Return the versions on which a bundle and the code that loads it must agree."""
    return {
        "encoder": encoder,
        "features": ALL_FEATURES.schema_id,
        "state": configuration_hash(LiveState()),
        "labels": grading.VERSION,
    }


def load_system(bundle: Bundle, encoder: str) -> TrainedSystem:
    """Load the network and trees of `bundle`, for vectors of `encoder`.

    Raises:
        BundleError: the bundle is for another encoder, feature set, state or label version.
    """
    _check_schema(bundle, encoder)
    features = ALL_FEATURES if bundle.manifest["text_features"]["on"] else TEXT_FREE
    weights = load_weights(bundle.path / USER_MODEL, bundle.manifest["user_model"])
    pointwise = lambdamart.load(bundle.path / POINTWISE_TREES, features.pointwise())
    # feeds score hundreds of candidates, and each seed adds the same cost: they use the first seed only
    clicks = pointwise.first
    value = _value_ranker(bundle, clicks, features.pointwise())
    correction = lambdamart.load(bundle.path / LISTWISE_TREES, features)
    full = ListwiseRanker(pointwise, correction, _share(bundle, bundle.manifest["correction"]))
    models = Models(
        version=bundle.version,
        matcher=NetworkMatcher(weights),
        listwise=full,
        pointwise=pointwise,
        feed=value or clicks,
        utility=softplus_utility if value else _click_probability(bundle, FEED_RANKER),
        space=load_space(bundle.path / VECTOR_SPACE),
        ages=AgeSupport.of(bundle.version, bundle.manifest.get(AGES)),
    )
    served, text_free = ServedRanker.of(bundle.version, bundle.manifest), _text_free(bundle)
    return TrainedSystem(
        models=served.models(models, full, text_free, _click_probability(bundle, served.system)),
        served=served,
        full=full,
        text_free=text_free,
        click_ranker=clicks,
        value=value,
        validated_from=int(bundle.manifest["data"]["validate_from"]),
        trained_until=int(bundle.manifest["data"]["until"]),
        manifest=bundle.manifest,
        calibrator=find_calibrator(bundle),
    )


def load_bundle(home: Path, encoder: str, version: str | None = None) -> TrainedSystem:
    """Load bundle `version`, or the active one.

    Raises:
        BundleError: there is no such bundle, or it does not fit this code or encoder.
    """
    chosen = version or active_version(home)
    if chosen is None:
        raise BundleError(f"no bundle is active in {home}: run `attune train` first")
    return load_system(load(home, chosen), encoder)


def active_system(home: Path, encoder: str) -> TrainedSystem | None:
    """Load the active bundle; return None before the first.

    Raises:
        BundleError: the active bundle cannot be used.
    """
    return None if active_version(home) is None else load_bundle(home, encoder)


def _text_free(bundle: Bundle) -> ListwiseRanker:
    base = lambdamart.load(bundle.path / TEXT_FREE_POINTWISE_TREES, TEXT_FREE.pointwise())
    correction = lambdamart.load(bundle.path / TEXT_FREE_LISTWISE_TREES, TEXT_FREE)
    return ListwiseRanker(base, correction, _share(bundle, bundle.manifest["correction"].get("text_free")))


def _share(bundle: Bundle, correction: Mapping[str, Any] | None) -> float:
    share = (correction or {}).get("share")
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        raise BundleError(
            f"bundle {bundle.version} is damaged: its manifest has no correction share from 0 to 1; "
            "train a new bundle"
        )
    return float(share)


def _click_probability(bundle: Bundle, system: str) -> PlattScaling:
    fit = bundle.manifest["score_calibration"].get(system, {})
    return PlattScaling(fit["slope"], fit["intercept"]) if fit.get("slope", 0) > 0 else PlattScaling()


def _value_ranker(bundle: Bundle, clicks: LambdaMart, features: FeatureSet) -> UtilityRanker | None:
    fit = bundle.manifest["utility"]
    if not fit["on"]:
        return None
    reading = expected_utility.load(bundle.path / READ_UTILITY_TREES, bundle.path / READ_MINUTES_TREES, features)
    if not isinstance(fit.get("mean"), int | float):
        raise BundleError(
            f"bundle {bundle.version} is of an older version: its manifest has no mean utility of a reading; "
            "train a new bundle"
        )
    return UtilityRanker(clicks, PlattScaling(fit["slope"], fit["intercept"]), reading, fit["price"], fit["mean"])


def write_trees(
    ranker: ListwiseRanker, text_free: ListwiseRanker, reading: DwellRegressors | None, folder: Path
) -> None:
    """Write the trees to the files that `load_system` reads."""
    if reading is not None:
        reading.save(folder / READ_UTILITY_TREES, folder / READ_MINUTES_TREES)
    for trees, base, correction in (
        (ranker, POINTWISE_TREES, LISTWISE_TREES),
        (text_free, TEXT_FREE_POINTWISE_TREES, TEXT_FREE_LISTWISE_TREES),
    ):
        trees.base.save(folder / base)
        trees.correction.save(folder / correction)


def _check_schema(bundle: Bundle, encoder: str) -> None:
    missing = [name for name in _REQUIRED if not isinstance(bundle.manifest.get(name), dict)]
    if missing:
        raise BundleError(
            f"bundle {bundle.version} is damaged: its manifest lacks {', '.join(missing)}; train a new bundle"
        )
    variables = "ATTUNE_ENCODER, its other variables ATTUNE_ENCODER_…, ATTUNE_BODY and ATTUNE_TOKEN_BUDGET"
    fixes = {"encoder": f"set {variables} to match the bundle, or train a new bundle"}
    for name, expected in schema(encoder).items():
        found = bundle.manifest["schema"].get(name)
        if found != expected:
            fix = fixes.get(name, "train a new bundle")
            raise BundleError(f"bundle {bundle.version} has {name} {found!r}, this process {expected!r}: {fix}")
