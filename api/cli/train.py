"""`attune train`."""

from typing import Annotated, Literal

import typer

from api.cli.options import (
    Body,
    DatabaseUrl,
    Home,
    Ray,
    TokenBudget,
    Workers,
    batch_encoder,
    moment,
    settings_from,
)

Labels = Literal["graded", "clicks"]


def train(
    until: Annotated[
        str | None,
        typer.Option(
            help="Use only data known before this time (ISO 8601, UTC); the day before it is for validation."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=20, help="Number of tree models; scores are averaged.")] = 1,
    tune: Annotated[
        int, typer.Option(min=0, help="Number of Optuna trials for the trees; trials of earlier runs count.")
    ] = 0,
    labels: Annotated[
        Labels, typer.Option(help="Labels for the trees: graded reads, or only clicks, for comparison.")
    ] = "graded",
    body: Body = None,
    token_budget: TokenBudget = None,
    workers: Workers = None,
    ray: Ray = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Train on the log and publish a bundle: encode, train preferences and rankers, validate on the last day."""
    from api.cli.progress import bars
    from api.cli.results_tables import (
        behaviour_lines,
        echo_examination,
        echo_supported_ages,
        echo_unseen,
        results_table,
        stages_table,
    )
    from recsys.models.bundle import active_version
    from recsys.models.model_loader import AGES
    from recsys.store.database import open_database
    from recsys.training.pipeline import train as run
    from recsys.training.training_run import TrainingOptions

    settings = settings_from(database_url, home, body, token_budget, workers, ray)
    cut_off = moment(until, "--until")
    with batch_encoder(settings) as encoder, bars() as progress:
        options = TrainingOptions(seeds, tune, labels)
        bundle = run(open_database(settings.database_url), settings, encoder, cut_off, progress, options)
    data = bundle.manifest["data"]
    typer.echo(f"trained on {data['text']}")
    echo_unseen(data["unseen"])
    shown = "clicks with sampled negatives" if data["sampled_negatives"] else "impressions"
    results_table(
        f"validation: {data['validated']} {shown} of the last day with clicks", bundle.manifest["validation"]
    )
    typer.echo(f"what serves: {bundle.manifest['ranking']['name']}")
    echo_supported_ages(bundle.manifest[AGES])
    echo_examination(bundle.manifest["examination"])
    behaviour_lines(bundle.manifest["validation_report"]["behaviour"])
    stages_table(bundle.manifest["profile"])
    for warning in bundle.manifest["warnings"]:
        typer.secho(f"warning: {warning}", fg="yellow")
    if active_version(settings.home) == bundle.version:
        typer.echo(f"published and activated bundle {bundle.version} in {bundle.path}")
    else:
        better = bundle.manifest["ranking"]["better_baseline"]
        why = "a check of behaviour failed" if better is None else "a baseline is better on the validation slice"
        typer.echo(
            f"published bundle {bundle.version}, but did not activate it: {why} "
            f"(to activate it anyway: attune models activate {bundle.version})"
        )
