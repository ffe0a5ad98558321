"""Copies of runs in MLflow, on the server or in the database that MLFLOW_TRACKING_URI names."""

import importlib.util
import logging
import os
from typing import TYPE_CHECKING

from recsys.errors import ConfigError
from recsys.store.runs import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

_ADDRESS = "MLFLOW_TRACKING_URI"
_EXPERIMENT = "attune"
_MOST_CHARACTERS = 500
"""Longest value of a parameter that every MLflow server takes."""


def require_mlflow() -> None:
    """Check that the package is installed if MLFLOW_TRACKING_URI is set.

    Raises:
        ConfigError: it is not.
    """
    if os.environ.get(_ADDRESS) and importlib.util.find_spec("mlflow") is None:
        raise ConfigError(f"{_ADDRESS} is set, but MLflow is not installed: pip install 'attune-feed[mlflow]'")


def mirror(run: Run) -> None:
    """Write `run` to MLflow if MLFLOW_TRACKING_URI is set.

    SQL already has the run, so an MLflow that cannot be reached is one line of the log.
    """
    address = os.environ.get(_ADDRESS)
    if not address:
        return
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    began, ended = run.at // 1_000 - round(run.seconds * 1_000), run.at // 1_000
    tags = {"attune.id": run.id, "attune.kind": run.kind.value, "attune.bundle": run.bundle}
    try:
        client = MlflowClient(tracking_uri=address)
        made = client.create_run(_experiment(client), began, tags, f"{run.kind.value} {run.bundle}").info.run_id
        client.log_batch(made, _metrics(run), _params(run))
        client.set_terminated(made, end_time=ended)
    except MlflowException as error:
        # its text may have the address with a password
        logging.getLogger(__name__).warning("the run %s is not in MLflow (%s)", run.id, type(error).__name__)


def _experiment(client: "MlflowClient") -> str:
    found = client.get_experiment_by_name(_EXPERIMENT)
    return str(client.create_experiment(_EXPERIMENT) if found is None else found.experiment_id)


def _metrics(run: Run) -> "list[Metric]":
    from mlflow.entities import Metric

    return [
        Metric(f"{system}/{name.replace('@', '_at_')}".replace(" ", "_"), value, run.at // 1_000, 0)
        for system, metrics in run.figures.items()
        for name, value in metrics.items()
    ]


def _params(run: Run) -> "list[Param]":
    from mlflow.entities import Param

    values = {**run.parameters, **{f"data.{name}": value for name, value in run.data.items()}}
    return [Param(name, str(value)[:_MOST_CHARACTERS]) for name, value in values.items()]
