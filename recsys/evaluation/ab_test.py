"""A/B experiments: outcomes of each model's slates, and the slates that a challenger would have shown."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.evaluation.bootstrap import Interval, intervals
from recsys.evaluation.sequential_trial import ArmReaders, Difference, difference

_OUTCOMES = {
    "opened": pl.col("clicks") > 0,
    "clicks": pl.col("clicks"),
    "seconds": pl.col("seconds"),
    "hides": pl.col("hides"),
}
"""Outcomes of a slate, from the columns `store.experiments.OUTCOMES`."""

_VALUES = [value.cast(pl.Float64).alias(name) for name, value in _OUTCOMES.items()]


@dataclass(frozen=True, slots=True)
class Arm:
    """Outcomes of a model's slates: means per slate, with 95% intervals over readers.

    opened: share of the slates with at least one opened article; clicks: articles; seconds: of reading; hides:
    hidden articles.
    """

    model: str
    slates: int
    readers: int
    opened: Interval
    clicks: Interval
    seconds: Interval
    hides: Interval


@dataclass(frozen=True, slots=True)
class Shadow:
    """Slates a challenger would have shown, compared with the slates that readers saw.

    shared: share of the shown articles that it shows too; kept: the same share of the opened articles, over slates
    with at least one.
    """

    model: str
    slates: int
    shared: Interval
    kept: Interval


def arms(outcomes: pl.DataFrame) -> list[Arm]:
    """Return the outcomes of every model in `outcomes` (columns `store.experiments.OUTCOMES`), by name."""
    return [_arm(str(model), part) for (model,), part in sorted(outcomes.group_by("model"))]


def differences(
    outcomes: pl.DataFrame, before: pl.DataFrame, challenger: str, reference: str
) -> dict[str, Difference | None]:
    """Return the difference of two models by outcome of `Arm`, valid at every look: see `sequential_trial`.

    outcomes, before: columns `store.experiments.OUTCOMES` and `BEFORE`. None with too few readers.
    """
    one, two = (readers_of(outcomes.filter(pl.col("model") == model), before) for model in (challenger, reference))
    return {outcome: difference(one[outcome], two[outcome]) for outcome in one}


def readers_of(outcomes: pl.DataFrame, before: pl.DataFrame) -> dict[str, ArmReaders]:
    """Return the readers of slates, by outcome of `Arm`, with what they did before.

    Seconds are explained by seconds before, other outcomes by clicks.
    """
    past = before.select("reader", pl.col("clicks").cast(pl.Float64).alias("past"), past_seconds="seconds")
    readers = (
        outcomes.group_by("reader")
        .agg(pl.len().cast(pl.Float64).alias("slates"), *(value.sum() for value in _VALUES))
        .join(past, on="reader", how="left")
        .sort("reader")
        .fill_null(0.0)
    )
    return {
        name: ArmReaders(
            slates=readers["slates"].to_numpy(),
            outcome=readers[name].to_numpy(),
            before=readers["past_seconds" if name == "seconds" else "past"].to_numpy(),
        )
        for name in _OUTCOMES
    }


def shadows(found: pl.DataFrame) -> list[Shadow]:
    """Return the comparison of every model in `found` (columns `store.experiments.SHADOWS`), by name."""
    return [_shadow(str(model), part) for (model,), part in sorted(found.group_by("model"))]


def _arm(model: str, part: pl.DataFrame) -> Arm:
    values = part.select(_VALUES)
    metrics = {name: values[name].to_numpy() for name in values.columns}
    return Arm(model, part.height, part["reader"].n_unique(), **_intervals(metrics, part))


def _shadow(model: str, part: pl.DataFrame) -> Shadow:
    unseen = part["unseen"].to_list()
    metrics = {
        "shared": _within(part["shown"].to_list(), unseen),
        "kept": _within(part["opened"].to_list(), unseen),
    }
    return Shadow(model, part.height, **_intervals(metrics, part))


def _within(items: list[list[str]], others: list[list[str]]) -> NDArray[np.float64]:
    """Return the share of each list of `items` that the other list contains [n]; NaN for an empty list."""
    pairs = zip(items, others, strict=True)
    return np.asarray([len(set(one) & set(two)) / len(set(one)) if one else np.nan for one, two in pairs])


def _intervals(metrics: Mapping[str, NDArray[np.float64]], part: pl.DataFrame) -> dict[str, Interval]:
    return intervals(metrics, part["reader"].rank("dense").to_numpy().astype(np.int64))
