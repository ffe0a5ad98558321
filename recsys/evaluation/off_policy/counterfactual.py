"""`attune evaluate --counterfactual`: what a bundle's feed would have earned on the slates of the log."""

from math import inf
from typing import Any

import numpy as np
import polars as pl

from recsys.domain import DAY, iso
from recsys.errors import DataError
from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.labelled_slates import load_requests
from recsys.evaluation.off_policy.clip_choice import estimated
from recsys.evaluation.off_policy.estimators import ESTIMATORS
from recsys.evaluation.off_policy.feed_replay import ReplayedSlate, Target, replayed_slates
from recsys.evaluation.off_policy.logged_outcomes import LoggedOutcomes
from recsys.evaluation.off_policy.logged_rewards import LoggedRewards
from recsys.evaluation.off_policy.reader_intervals import reader_interval
from recsys.evaluation.off_policy.weight_diagnostics import WeightDiagnostics
from recsys.evaluation.run_evaluation import Progress, TimeWindow
from recsys.store import articles, rules
from recsys.store.database import Database
from recsys.store.logged_propensities import logged_propensities

CASCADE = "cascade"
"""Behaviour of readers that all estimates assume: see `estimators`."""


def counterfactual(database: Database, target: Target, window: TimeWindow, progress: Progress) -> dict[str, Any]:
    """Estimate what the feed of `target` would have earned on the logged slates of `window`, as a JSON object.

    Only positions that exploration reached count; the others stand as logged, in the log and in the estimates. If
    rules of editors stood in the window, `without_rules` has the estimates of the same feed without them.

    Raises:
        DataError: no slate of the window was seen, or none has propensities.
    """
    slates, without = slates_with_propensities(database, window)
    if not slates.height + without:
        raise DataError(
            f"there is no impression from {iso(window.start)} to {iso(window.end)} that somebody saw: choose "
            "another time with --from and --to, or train with --until so that later days are left"
        )
    if slates.is_empty():
        raise DataError(
            f"none of the {without:,} impressions from {iso(window.start)} to {iso(window.end)} has propensities, "
            "so nothing is known of other choices: serve feeds with Attune and ATTUNE_EXPLORE above 0, or import "
            "impressions with their propensities"
        )
    with database.read() as connection:
        acting = rules.count_between(connection, window.start, window.end)
    outcomes = LoggedOutcomes.of(_replayed(database, target, slates, True, progress))
    found = {
        "bundle": target.system.version,
        "explore": target.settings.explore,
        "from": iso(window.start),
        "to": iso(window.end),
        "impressions": len(outcomes.reader),
        "readers": len(np.unique(outcomes.reader)),
        "positions": len(outcomes.ratio),
        "left_out": {
            "impressions_without_propensities": without,
            "impressions_without_exploration": outcomes.unexplored,
            "certain_positions": outcomes.certain,
        },
        "rules": acting,
        "behaviour": {CASCADE: estimates(outcomes)},
    }
    if acting:
        free = LoggedOutcomes.of(_replayed(database, target, slates, False, progress))
        found["without_rules"] = {CASCADE: estimates(free)}
    return found


def _replayed(
    database: Database, target: Target, slates: pl.DataFrame, with_rules: bool, progress: Progress
) -> list[ReplayedSlate]:
    stage = "impressions replayed" if with_rules else "impressions replayed without rules"
    replayed = []
    for done, slate in enumerate(replayed_slates(database, target, slates, with_rules), start=1):
        replayed.append(slate)
        progress(stage, done, slates.height)
    return replayed


def slates_with_propensities(database: Database, window: TimeWindow) -> tuple[pl.DataFrame, int]:
    """Return the labelled slates of `window` that have propensities, sorted by time, and the number without."""
    with database.read() as connection:
        catalogue, _ = articles.upserted_since(connection, 0)
        labelled = load_requests(connection, window.start, window.end, catalogue, window.end + DAY).frame
        found = logged_propensities(connection, window.start, window.end)
    joined = labelled.join(found, on="id", how="inner", maintain_order="left")
    whole = joined.filter(pl.col("candidates").list.len() == pl.col("propensities").list.len())
    return whole, labelled.height - whole.height


def estimates(outcomes: LoggedOutcomes) -> dict[str, Any]:
    """Return the diagnostics of the weights, and for each reward the logged mean and the estimates.

    `refused` is the reason without estimates, or None.
    """
    logged = {name: outcomes.logged_rewards(name) for name in outcomes.rewards}
    diagnostics = WeightDiagnostics.of(next(iter(logged.values())))
    refused = diagnostics.refusal()
    return {
        "weights": {
            "effective_sample_size": diagnostics.ess,
            "deciding": diagnostics.deciding,
            "mean": diagnostics.mean,
            "mean_error": diagnostics.error if np.isfinite(diagnostics.error) else None,  # of one reader
            "largest": diagnostics.largest,
            "largest_share": diagnostics.largest_share,
            "unsupported": diagnostics.unsupported,
        },
        "refused": refused,
        "rewards": {} if refused else {name: _of_reward(each) for name, each in logged.items()},
    }


def _of_reward(logged: LoggedRewards) -> dict[str, Any]:
    return {
        "logged": _numbers(reader_interval(logged.reward.sum(axis=1), logged.reader)),
        "estimates": {name: _estimated(name, logged) for name in ESTIMATORS},
    }


def _estimated(name: str, logged: LoggedRewards) -> dict[str, Any]:
    interval, clips = estimated(name, logged)
    return {**_numbers(interval), "clips": [None if clip == inf else clip for clip in clips]}


def _numbers(interval: Interval) -> dict[str, float | None]:
    values = {"mean": interval.mean, "low": interval.low, "high": interval.high}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
