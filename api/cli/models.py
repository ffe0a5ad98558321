"""`attune models`: list, activate."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, settings_from
from recsys.errors import BundleError

app = typer.Typer(help="Trained bundles: list them, choose the one that serves.", no_args_is_help=True)


@app.command("list")
def list_models(home: Home = None) -> None:
    """All bundles, the active one marked."""
    from recsys import bundle

    folder = settings_from(None, home).home
    active = bundle.active_version(folder)
    if not bundle.versions(folder):
        typer.echo(f"no bundles in {folder}: run `attune train`")
    for version in bundle.versions(folder):
        typer.echo(f"{'*' if version == active else ' '} {version}  {_told(folder, version)}")


def _told(home: Path, version: str) -> str:
    from recsys import bundle
    from recsys.evaluation.page import number
    from recsys.evaluation.systems import FULL

    try:
        manifest = bundle.load(home, version).manifest
        return f"validation AUC {number(manifest['validation'][FULL]['auc'])}"
    except BundleError as error:
        return f"damaged: {error}"
    except (KeyError, TypeError):
        return f"damaged: its manifest has no validation AUC of {FULL}"


@app.command()
def activate(
    version: Annotated[str, typer.Argument(help="As `attune models list` shows it.")],
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Make a bundle the one that serves, after checking that it can; it is on record in the audit."""
    from api import administration
    from recsys.encoder.lazy import LazyEncoder
    from recsys.store.database import opened

    settings = settings_from(database_url, home)
    with opened(settings.database_url) as database:
        administration.activate(database, settings.home, version, LazyEncoder(settings).name, actor="cli")
    typer.echo(f"bundle {version} is active; running services take it within a second")


@app.command()
def rollback(database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Go back to the bundle that served before the active one; it is on record in the audit."""
    from api import administration
    from recsys.encoder.lazy import LazyEncoder
    from recsys.store.database import opened

    settings = settings_from(database_url, home)
    with opened(settings.database_url) as database:
        version = administration.roll_back(database, settings.home, LazyEncoder(settings).name, actor="cli")
    typer.echo(f"bundle {version} is active again; running services take it within a second")
