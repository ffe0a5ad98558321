"""`attune models`: list, activate, roll back, experiments, prune."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, moment, settings_from
from recsys.errors import BundleError

app = typer.Typer(help="Trained bundles: list them, and choose the active one.", no_args_is_help=True)


@app.command("list")
def list_models(home: Home = None) -> None:
    """List all bundles, with a mark at the active one."""
    from recsys.models import bundle
    from recsys.serving import experiment

    folder = settings_from(None, home).home
    active = bundle.active_version(folder)
    if not bundle.versions(folder):
        typer.echo(f"no bundles in {folder}: run `attune train`")
    for version in bundle.versions(folder):
        typer.echo(f"{'*' if version == active else ' '} {version}  {_validation(folder, version)}")

    running = experiment.load_experiment(folder)
    if running is not None:
        typer.echo(
            f"experiment: {running.version}, share {running.share:g} of readers, "
            f"shadow {running.shadow:g} of feeds"
        )


def _validation(home: Path, version: str) -> str:
    from recsys.evaluation.html_tables import number
    from recsys.evaluation.systems import FULL_SYSTEM
    from recsys.models import bundle

    try:
        manifest = bundle.load(home, version).manifest
        served = manifest.get("ranking", {}).get("name", "the full ranker")
        sampled = ", trained from sampled negatives" if manifest["data"].get("sampled_negatives") else ""
        return f"validation AUC {number(manifest['validation'][FULL_SYSTEM]['auc'])}, {served}{sampled}"
    except BundleError as error:
        return f"damaged: {error}"
    except (KeyError, TypeError):
        return f"damaged: its manifest has no validation AUC of {FULL_SYSTEM}"


@app.command()
def activate(
    version: Annotated[str, typer.Argument(help="Version, as `attune models list` prints it.")],
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Check a bundle and make it the active one; recorded in the audit log."""
    from api.application import model_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, home)) as app:
        model_admin.activate_model(app, version, actor="cli")
    typer.echo(f"bundle {version} is active; running services adopt it within a second")


@app.command()
def rollback(database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Activate the bundle that was active before; recorded in the audit log."""
    from api.application import model_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, home)) as app:
        version = model_admin.roll_back(app, actor="cli")
    typer.echo(f"bundle {version} is active again; running services adopt it within a second")


@app.command("try")
def start_experiment(
    version: Annotated[str, typer.Argument(help="Version, as `attune models list` prints it.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of readers who get its answers.")] = 0.0,
    shadow: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the other feeds for which it makes shadow slates.")
    ] = 0.0,
    interleave: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the other feeds into which its slate is interleaved.")
    ] = 0.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Start an experiment with a challenger beside the active bundle: A/B test, interleaving, or shadow run."""
    from api.application import model_admin
    from api.application.context import opened_application
    from recsys.serving.experiment import Experiment

    with opened_application(settings_from(database_url, home)) as app:
        model_admin.start_experiment(app, Experiment(version, share, shadow, interleave), actor="cli")
    typer.echo(f"the experiment with bundle {version} runs; running services adopt it within a second")


@app.command("plan-trial")
def plan_trial(
    share: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Share of readers who would get the challenger's answers.")
    ] = 0.5,
    effect: Annotated[
        float | None,
        typer.Option(min=0.001, help="Relative difference to find, such as 0.03 for 3%.", show_default=False),
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print which differences a trial would find, and after how many days, from the lists of the last days."""
    from api.cli.experiment_tables import print_plan
    from recsys.domain import DAY
    from recsys.errors import DataError
    from recsys.evaluation.trial_plan import DAYS, detectable
    from recsys.labels.label_rule import LabelRule
    from recsys.store import experiments
    from recsys.store.database import opened, without_timeout
    from recsys.store.experiments import DAYS_BEFORE

    longest, plan = LabelRule().longest, []
    with (
        opened(settings_from(database_url, None).database_url) as database,
        database.read() as connection,
        without_timeout(connection),
    ):
        times = experiments.slate_times(connection)
        if times is None:
            raise DataError("the log has no list that Attune showed: plan a trial after some days of feeds")
        first, last = times
        for days in DAYS:
            start = last + 1 - days * DAY
            if start < first:
                break
            outcomes = experiments.outcomes(connection, start, longest)
            before = experiments.reading_before(connection, start, DAYS_BEFORE, longest)
            plan.append((days, detectable(outcomes, before, share)))
    print_plan(plan, effect)


@app.command("end-trial")
def end_experiment(database_url: DatabaseUrl = None, home: Home = None) -> None:
    """End the experiment; the active bundle answers all readers."""
    from api.application import model_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, home)) as app:
        version = model_admin.end_experiment(app, actor="cli")
    typer.echo(f"the experiment with bundle {version} has ended")


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="Number of newest bundles to keep.")] = 7,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Delete old bundles, but never the active one, the previous one, or the challenger of an experiment."""
    from api.application import model_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, home)) as app:
        removed = model_admin.prune_models(app, keep, actor="cli")
    typer.echo(f"{len(removed)} bundles removed{': ' if removed else ''}{', '.join(removed)}")


@app.command()
def compare(
    since: Annotated[
        str | None,
        typer.Option("--from", help="Only slates shown from this time on (ISO 8601); default: all in SQL."),
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Compare the outcomes of each model's slates, interleaved slates, and the challenger's shadow slates."""
    from api.cli.experiment_tables import print_comparison
    from recsys.labels.label_rule import LabelRule
    from recsys.store import experiments, log_archive
    from recsys.store.database import opened

    given = moment(since, "--from")
    with opened(settings_from(database_url, None).database_url) as database, database.read() as connection:
        start = log_archive.until(connection) if given is None else given
        outcomes = experiments.outcomes(connection, start, LabelRule().longest)
        interleaved = experiments.interleaved_outcomes(connection, start)
        shadows = experiments.shadow_outcomes(connection, start)
    print_comparison(outcomes, interleaved, shadows)
