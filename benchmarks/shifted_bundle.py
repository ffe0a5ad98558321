"""Bundle with recognizable scores: all are 1,000 above those of the bundle that it is made from."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from recsys.encoder.vector_space import load_space
from recsys.models import bundle as bundles
from recsys.models.model_loader import POINTWISE_TREES, TEXT_FREE_POINTWISE_TREES, VECTOR_SPACE
from recsys.ranking.lambdamart import SEED_SEPARATOR
from recsys.ranking.lightgbm_import import lgb
from recsys.training.utility_training import UtilityModelSkipped

RAISED = "-raised"
MOVED = "-moved"
"""Suffixes of its version."""

_OTHER_LENGTH = np.float32(1.01)

_OFFSET = 1_000.0
"""Scores of trees and utilities of articles lie within a few units of zero."""


def publish_raised(home: Path, version: str, moved: bool = False) -> str:
    """Publish it, made from bundle `version`, if it does not exist; return its version.

    moved: its space has a slightly different mean, as after every training. The listwise correction does not
    change. Its feeds are ranked by clicks: a utility ranker multiplies a click probability, which higher scores
    cannot raise by the offset.

    Raises:
        BundleError: there is no such bundle, or it is damaged.
    """
    name = f"{version}{MOVED if moved else ''}{RAISED}"
    source = bundles.load(home, version)

    def write(folder: Path) -> dict[str, Any]:
        for file in source.manifest["sha256"]:
            shutil.copy(source.path / file, folder)
        for file in (POINTWISE_TREES, TEXT_FREE_POINTWISE_TREES):
            (folder / file).write_text(raised((folder / file).read_text()))
        if moved:
            space = load_space(folder / VECTOR_SPACE)
            assert space.mean is not None, "the folder has too few articles for a space"
            replace(space, mean=space.mean * _OTHER_LENGTH).save(folder / VECTOR_SPACE)
        return {**source.manifest, "utility": UtilityModelSkipped("its scores are raised").as_dict()}

    if name not in bundles.versions(home):
        bundles.publish(home, name, write)
    return name


def raised(trees: str) -> str:
    """Return the trees of a file of `LambdaMart.save` with all scores raised."""
    return SEED_SEPARATOR.join(map(_raised, trees.split(SEED_SEPARATOR)))


def _raised(trees: str) -> str:
    booster = lgb.Booster(model_str=trees)
    for leaf in range(booster.dump_model(num_iteration=1)["tree_info"][0]["num_leaves"]):
        booster.set_leaf_output(0, leaf, booster.get_leaf_output(0, leaf) + _OFFSET)
    return str(booster.model_to_string())


def mixes(content: dict[str, Any]) -> bool:
    """Return True if the scores of this feed or ranking are not of the model that the answer names.

    Scores of old articles fade towards zero, so not all of a raised answer are high; none of another one are.
    """
    items = content["items"]
    return bool(items) and any(item["score"] > _OFFSET / 2 for item in items) != content["model"].endswith(RAISED)
