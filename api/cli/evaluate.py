"""`attune evaluate`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import DatabaseUrl, Home, Ray, Workers, batch_encoder, moment, require_writable, settings_from

if TYPE_CHECKING:
    from recsys.evaluation.off_policy.feed_replay import Target
    from recsys.evaluation.run_evaluation import TimeWindow
    from recsys.models.model_loader import TrainedSystem
    from recsys.store.database import Database

_SLICES = {
    "later": "evaluated on impressions after the bundle's cut-off",
    "in sample": "evaluated on impressions that the bundle was trained on: the figures are too good",
    "validation": (
        "the log has no clicks after the bundle's cut-off: these are the figures of its validation slice, which "
        "`attune train` measured before the last fit; to test on later days, train with --until"
    ),
}
"""Line about the evaluated impressions, by `data.slice`."""


def evaluate(
    start: Annotated[str | None, typer.Option("--from", help="Default: the bundle's cut-off.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Default: the end of the log.")] = None,
    bundle: Annotated[str | None, typer.Option(help="Version; default: the active bundle.")] = None,
    other_version: Annotated[
        str | None,
        typer.Option("--rival", help="Version of another bundle: its full system is added and compared in pairs."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a report to this file.")] = None,
    in_sample: Annotated[bool, typer.Option(help="Allow evaluation on the training data of the bundle.")] = False,
    counterfactual: Annotated[
        bool,
        typer.Option(
            "--counterfactual",
            help="Estimate what the bundle's feed would have earned on impressions with propensities.",
        ),
    ] = False,
    workers: Workers = None,
    ray: Ray = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Replay logged slates through the engine, each with the state of its time, and compare it with baselines.

    Without impressions after the cut-off, the figures are those of the validation slice.
    """
    from recsys.evaluation.off_policy.feed_replay import Target
    from recsys.evaluation.run_evaluation import choose_window
    from recsys.models.model_loader import load_bundle
    from recsys.store.database import open_database
    from recsys.tracking.mlflow_mirror import require_mlflow
    from recsys.tracking.run_log import record_evaluation

    settings = settings_from(database_url, home, workers=workers, ray=ray)
    require_mlflow()
    for file in (json_file, html_file):
        require_writable(file)
    bounds = (moment(start, "--from"), moment(end, "--to"))
    with batch_encoder(settings) as encoder:
        system = load_bundle(settings.home, encoder.name, bundle)
        other = None if other_version is None else load_bundle(settings.home, encoder.name, other_version)
        database = open_database(settings.database_url)
        target = Target(system, settings, encoder)
        if bounds == (None, None) and not in_sample and other is None:
            result = default_result(database, target)
        else:
            window = choose_window(database, system, *bounds, in_sample)
            result = _result(database, target, window, other)
        if counterfactual:
            result["counterfactual"] = _counterfactual(database, target, bounds, in_sample)
    _echo(result, None if other is None else other.version)
    _write(result, json_file, html_file)
    record_evaluation(database, settings, result, {"in_sample": in_sample})


def default_result(database: "Database", target: "Target") -> dict[str, Any]:
    """Evaluate a bundle on what came after its cut-off; without such rows, return its validation.

    Raises:
        DataError: there is nothing to evaluate on.
    """
    from recsys.evaluation.run_evaluation import choose_window
    from recsys.evaluation.validation_slice import ends_before, validation_result

    system = target.system
    if ends_before(database, system.trained_until):
        return validation_result(system)
    return _result(database, target, choose_window(database, system, None, None, in_sample=False))


def _result(
    database: "Database", target: "Target", window: "TimeWindow", other: "TrainedSystem | None" = None
) -> dict[str, Any]:
    """Evaluate a bundle on a window; `other`: another bundle to compare it with."""
    from api.cli.progress import bars
    from recsys.evaluation.behaviour.behaviour_check import BehaviourLimits
    from recsys.evaluation.run_evaluation import EvaluationOptions
    from recsys.evaluation.run_evaluation import evaluate as run
    from recsys.projection.replay_segments import ReplayWorkers

    settings = target.settings
    options = EvaluationOptions(
        other_bundle=other, limits=BehaviourLimits.of(settings), workers=ReplayWorkers.of(settings)
    )
    with bars() as progress:
        return run(database, target.encoder, target.system, window, progress, options)


def _counterfactual(
    database: "Database", target: "Target", bounds: tuple[int | None, int | None], in_sample: bool
) -> dict[str, Any]:
    from api.cli.progress import bars
    from recsys.evaluation.off_policy.counterfactual import counterfactual
    from recsys.evaluation.run_evaluation import choose_window

    window = choose_window(database, target.system, *bounds, in_sample)
    with bars() as progress:
        return counterfactual(database, target, window, progress)


def _echo(result: Mapping[str, Any], other_version: str | None) -> None:
    """Print all tables of a result; other_version: of the bundle that it compares with, if any."""
    from api.cli.counterfactual_table import counterfactual_table
    from api.cli.results_tables import behaviour_lines, echo_unseen, results_table, slices_table
    from recsys.evaluation.behaviour.behaviour_check import ENTRY as BEHAVIOUR
    from recsys.evaluation.html_tables import interval

    data = result["data"]
    typer.echo(_SLICES[data["slice"]])
    echo_unseen(data["unseen"])
    if data["sampled_negatives"]:
        typer.echo("nothing was shown: each click is ranked among sampled articles that were available then")
    title = f"{data['impressions']} impressions of {data['readers']} readers, {data['from']} to {data['to']}"
    results_table(title, result["systems"])
    slices_table(result["slices"])
    behaviour_lines(result.get(BEHAVIOUR, []))
    if other_version is not None:
        other = f"bundle {other_version}"
        for name, part in (("AUC", "comparisons"), ("read-weighted nDCG@10", "read_comparisons")):
            found = result[part][other]
            typer.echo(f"{name} against {other}: {interval(**found['difference'])}, {found['verdict']}")
    if "counterfactual" in result:
        counterfactual_table(result["counterfactual"])


def _write(result: Mapping[str, Any], json_file: Path | None, html_file: Path | None) -> None:
    """Write the figures and the report to the files that were given."""
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=2))
        typer.echo(f"figures: {json_file}")
    if html_file is not None:
        from recsys.evaluation.html_report import report

        html_file.write_text(report(result))
        typer.echo(f"report: {html_file}")
