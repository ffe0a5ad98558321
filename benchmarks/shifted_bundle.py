"""A bundle whose scores tell that they are its own: all lie 1,000 above those of the bundle that it is made of."""

import shutil
from pathlib import Path
from typing import Any

import lightgbm as lgb

from recsys.models import bundle as bundles
from recsys.models.model_loader import POINTWISE_TREES, TEXT_FREE_POINTWISE_TREES
from recsys.ranking.lambdamart import SEED_SEPARATOR
from recsys.training.utility_training import UtilityModelSkipped

RAISED = "-raised"
"""How its version ends."""

_BY = 1_000.0
"""Scores of trees and values of articles lie within a few units of zero."""


def publish_raised(home: Path, version: str) -> str:
    """Publish it, made of bundle `version`, if it is not there; returns its version.

    What corrects the order of slates stays as it is. Its feeds go by clicks: a value is a chance times a worth,
    which no higher score of clicks raises so far.

    Raises:
        BundleError: there is no such bundle, or it is damaged.
    """
    name = f"{version}{RAISED}"
    source = bundles.load(home, version)

    def write(folder: Path) -> dict[str, Any]:
        for file in source.manifest["sha256"]:
            shutil.copy(source.path / file, folder)
        for file in (POINTWISE_TREES, TEXT_FREE_POINTWISE_TREES):
            (folder / file).write_text(raised((folder / file).read_text()))
        return {**source.manifest, "value": UtilityModelSkipped("its scores are raised").as_dict()}

    if name not in bundles.versions(home):
        bundles.publish(home, name, write)
    return name


def raised(trees: str) -> str:
    """The same trees as a file of `LambdaMart.save`, whose every score is higher."""
    return SEED_SEPARATOR.join(map(_raised, trees.split(SEED_SEPARATOR)))


def _raised(trees: str) -> str:
    booster = lgb.Booster(model_str=trees)
    for leaf in range(booster.dump_model(num_iteration=1)["tree_info"][0]["num_leaves"]):
        booster.set_leaf_output(0, leaf, booster.get_leaf_output(0, leaf) + _BY)
    return str(booster.model_to_string())


def mixes(told: dict[str, Any]) -> bool:
    """Whether a score in this answer, a feed or a ranking, is not of the model that the answer names."""
    return any((item["score"] > _BY / 2) != told["model"].endswith(RAISED) for item in told["items"])
