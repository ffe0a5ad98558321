"""`attune models`: list, activate, roll back, try out, prune."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, moment, settings_from
from recsys.errors import BundleError

app = typer.Typer(help="Trained bundles: list them, choose the one that serves.", no_args_is_help=True)


@app.command("list")
def list_models(home: Home = None) -> None:
    """All bundles, the active one marked."""
    from recsys.models import bundle
    from recsys.serving import experiment

    folder = settings_from(None, home).home
    active = bundle.active_version(folder)
    if not bundle.versions(folder):
        typer.echo(f"no bundles in {folder}: run `attune train`")
    for version in bundle.versions(folder):
        typer.echo(f"{'*' if version == active else ' '} {version}  {_told(folder, version)}")

    tried = experiment.load_experiment(folder)
    if tried is not None:
        typer.echo(
            f"on trial: {tried.version}, share {tried.share:g} of readers, shadow {tried.shadow:g} of feeds"
        )


def _told(home: Path, version: str) -> str:
    from recsys.evaluation.html_tables import number
    from recsys.evaluation.systems import FULL_SYSTEM
    from recsys.models import bundle

    try:
        manifest = bundle.load(home, version).manifest
        return f"validation AUC {number(manifest['validation'][FULL_SYSTEM]['auc'])}"
    except BundleError as error:
        return f"damaged: {error}"
    except (KeyError, TypeError):
        return f"damaged: its manifest has no validation AUC of {FULL_SYSTEM}"


@app.command()
def activate(
    version: Annotated[str, typer.Argument(help="As `attune models list` shows it.")],
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Make a bundle the one that serves, after checking that it can; it is on record in the audit."""
    from api.application import model_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, home)) as app:
        model_admin.activate_model(app, version, actor="cli")
    typer.echo(f"bundle {version} is active; running services take it within a second")


@app.command()
def rollback(database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Go back to the bundle that served before the active one; it is on record in the audit."""
    from api.application import model_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, home)) as app:
        version = model_admin.roll_back(app, actor="cli")
    typer.echo(f"bundle {version} is active again; running services take it within a second")


@app.command("try")
def start_experiment(
    version: Annotated[str, typer.Argument(help="As `attune models list` shows it.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of readers who get its answers.")] = 0.0,
    shadow: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the other feeds that it ranks without being shown.")
    ] = 0.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Try a bundle beside the one that serves: an A/B test, in the shadow, or both."""
    from api.application import model_admin
    from api.application.context import opened_application
    from recsys.serving.experiment import Experiment

    with opened_application(settings_from(database_url, home)) as app:
        model_admin.start_experiment(app, Experiment(version, share, shadow), actor="cli")
    typer.echo(f"bundle {version} is on trial; running services take it within a second")


@app.command("end-trial")
def end_experiment(database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Try nothing any more; the active bundle answers everybody."""
    from api.application import model_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, home)) as app:
        version = model_admin.end_experiment(app, actor="cli")
    typer.echo(f"bundle {version} is on trial no more")


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest to keep.")] = 7,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Delete old bundles: never the active one, the one a rollback goes back to, or the one on trial."""
    from api.application import model_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, home)) as app:
        removed = model_admin.prune_models(app, keep, actor="cli")
    typer.echo(f"{len(removed)} bundles removed{': ' if removed else ''}{', '.join(removed)}")


@app.command()
def compare(
    since: Annotated[
        str | None, typer.Option("--from", help="Slates shown since then, ISO 8601; all by default.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """What readers did with the slates of each model, and what a challenger would have shown instead."""
    from api.cli.experiment_tables import print_comparison
    from recsys.labels.label_rule import LabelRule
    from recsys.store import experiments
    from recsys.store.database import opened

    start = moment(since, "--from") or 0
    with opened(settings_from(database_url, None).database_url) as database, database.read() as connection:
        outcomes = experiments.outcomes(connection, start, LabelRule().longest)
        shadows = experiments.shadow_outcomes(connection, start)
    print_comparison(outcomes, shadows)
