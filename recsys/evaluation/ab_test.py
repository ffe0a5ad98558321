"""Two models on trial, compared by what readers did with the slates of each, or would have been shown."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.evaluation.bootstrap import Interval, intervals


@dataclass(frozen=True, slots=True)
class Arm:
    """What came of a model's slates: a slate on average, with 95% intervals over readers.

    opened: share of the slates from which anything was opened; clicks: articles; seconds: of reading.
    """

    model: str
    slates: int
    readers: int
    opened: Interval
    clicks: Interval
    seconds: Interval


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a model would have shown: of each slate that readers saw, the share that it shows too.

    shared: of what was shown; kept: of what was then opened, over slates from which something was.
    """

    model: str
    slates: int
    shared: Interval
    kept: Interval


def arms(outcomes: pl.DataFrame) -> list[Arm]:
    """Every model in `outcomes` (columns `store.trials.OUTCOMES`), by name."""
    return [_arm(str(model), part) for (model,), part in sorted(outcomes.group_by("model"))]


def shadows(found: pl.DataFrame) -> list[Shadow]:
    """Every model in `found` (columns `store.trials.SHADOWS`), by name."""
    return [_shadow(str(model), part) for (model,), part in sorted(found.group_by("model"))]


def _arm(model: str, part: pl.DataFrame) -> Arm:
    clicks = part["clicks"].to_numpy().astype(np.float64)
    figures = {"opened": (clicks > 0).astype(np.float64), "clicks": clicks, "seconds": part["seconds"].to_numpy()}
    return Arm(model, part.height, part["reader"].n_unique(), **_intervals(figures, part))


def _shadow(model: str, part: pl.DataFrame) -> Shadow:
    unseen = part["unseen"].to_list()
    figures = {
        "shared": _within(part["shown"].to_list(), unseen),
        "kept": _within(part["opened"].to_list(), unseen),
    }
    return Shadow(model, part.height, **_intervals(figures, part))


def _within(wanted: list[list[str]], there: list[list[str]]) -> NDArray[np.float64]:
    """Share of each list of `wanted` that the list beside it holds [n]; NaN where nothing is wanted."""
    pairs = zip(wanted, there, strict=True)
    return np.asarray([len(set(one) & set(two)) / len(set(one)) if one else np.nan for one, two in pairs])


def _intervals(figures: Mapping[str, NDArray[np.float64]], part: pl.DataFrame) -> dict[str, Interval]:
    return intervals(figures, part["reader"].rank("dense").to_numpy().astype(np.int64))
