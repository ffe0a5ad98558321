"""Run log: records each training and evaluation in SQL, and in MLflow if MLFLOW_TRACKING_URI is set."""

import time
import uuid
from collections.abc import Mapping
from typing import Any

from recsys.domain import iso
from recsys.models.bundle import Bundle
from recsys.settings import Settings, without_secrets
from recsys.store import runs
from recsys.store.database import Database
from recsys.store.runs import Figures, Run, RunKind
from recsys.tracking.mlflow_mirror import mirror

_MEASURED = ("from", "to", "impressions", "readers", "slice", "sampled_negatives", "unseen")
"""Entries of `data` of an evaluation that say which impressions it measured."""


def record_training(database: Database, settings: Settings, bundle: Bundle, options: Mapping[str, Any]) -> Run:
    """Record a training from the manifest of its bundle; its figures are those of the validation slice."""
    manifest = bundle.manifest
    data = manifest["data"]
    run = _run(
        RunKind.TRAINING,
        bundle.version,
        sum(stage["seconds"] for stage in manifest["profile"]),
        {**options, **changed(settings), "commit": manifest["commit"]},
        {"from": iso(data["validate_from"]), "to": iso(data["until"]), "impressions": data["validated"]},
        manifest["validation"],
    )
    return _record(database, run)


def record_evaluation(
    database: Database, settings: Settings, result: Mapping[str, Any], options: Mapping[str, Any]
) -> Run:
    """Record a `result` of `evaluation.run_evaluation.evaluate`."""
    data = {name: result["data"][name] for name in _MEASURED if name in result["data"]}
    parameters = {**options, **changed(settings)}
    run = _run(RunKind.EVALUATION, result["bundle"], result["seconds"], parameters, data, result["systems"])
    return _record(database, run)


def changed(settings: Settings) -> dict[str, Any]:
    """Return the settings that differ from their defaults, without secrets and places."""
    return {
        name: value
        for name, value in without_secrets(settings).items()
        if value != Settings.model_fields[name].default
    }


def figures_of(systems: Mapping[str, Mapping[str, Any]]) -> Figures:
    """Return the metrics of each system that are numbers, and the bounds of the interval of its AUC."""
    return {name: _numbers(values) for name, values in systems.items()}


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    found = {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
    low, high = values.get("ci", {}).get("auc") or (None, None)
    return found if low is None or high is None else {**found, "auc_low": low, "auc_high": high}


def _run(
    kind: RunKind,
    bundle: str,
    seconds: float,
    parameters: Mapping[str, Any],
    data: Mapping[str, Any],
    systems: Mapping[str, Mapping[str, Any]],
) -> Run:
    return Run(
        id=uuid.uuid4().hex,
        kind=kind,
        at=time.time_ns() // 1_000,
        seconds=seconds,
        bundle=bundle,
        parameters=parameters,
        data=data,
        figures=figures_of(systems),
    )


def _record(database: Database, run: Run) -> Run:
    with database.write() as connection:
        runs.append(connection, run)
    mirror(run)
    return run
