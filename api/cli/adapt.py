"""`attune adapt`."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, moment, settings_from


def adapt(
    until: Annotated[
        str | None,
        typer.Option(
            help="Use only data known before this time (ISO 8601, UTC); the day before it is for validation."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the folder in ATTUNE_HOME/encoders; default: the base and the cut-off."),
    ] = None,
    layers: Annotated[int, typer.Option(min=1, max=12, help="Number of top layers to train.")] = 2,
    steps: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum of training steps.")] = 300,
    keep: Annotated[
        bool, typer.Option("--keep", help="Write the encoder even if it is not better than its base.")
    ] = False,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Train the top layers of the encoder (ATTUNE_ENCODER) on the publisher's articles and clicks."""
    from api.cli.progress import bars
    from recsys.adaptation.adapt_options import AdaptOptions
    from recsys.adaptation.adapt_pipeline import adapt as run
    from recsys.evaluation.data_text import data_text
    from recsys.store.database import open_database

    settings = settings_from(database_url, home)
    cut_off = moment(until, "--until")
    with bars() as progress:
        options = AdaptOptions(name, layers, steps, keep)
        result = run(open_database(settings.database_url), settings, cut_off, options, progress)
    facts, change = result.facts, result.comparison.difference
    typer.echo(f"the log has {data_text(facts.contents)}")
    typer.echo(
        f"learned from {facts.articles:,} articles, {facts.together:,} pairs read in one session and "
        f"{facts.choices:,} slates; step {result.step} was best; {result.seconds / 60:.1f} min"
    )
    for note in result.notes:
        typer.secho(f"note: {note}", fg="yellow")
    typer.echo(
        f"{result.figure}, untrained match: {result.before.mean:.4f} before, {result.after.mean:.4f} after, "
        f"difference {change.mean:+.4f} ({change.low:+.4f} to {change.high:+.4f})"
    )
    if not result.better:
        typer.secho("the adapted encoder is not better than its base", fg="yellow")
    if result.path is None:
        typer.echo("wrote no encoder (to write it anyway: the same command with --keep)")
        raise typer.Exit(1)
    typer.echo(
        f"wrote {result.path}; to use it, set ATTUNE_ENCODER={result.path.resolve()} and run `attune train`"
    )
