"""`attune keys`: create, list, revoke."""

from typing import Annotated

import typer

from api.application.scopes import Scope
from api.cli.options import DatabaseUrl, settings_from

app = typer.Typer(help="API keys. The service requires a key once the first one exists.", no_args_is_help=True)


@app.command()
def create(
    scope: Annotated[
        Scope, typer.Option(help="Permissions of the key; admin includes all but site.")
    ] = Scope.READ,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Origin whose pages may use a site key, like https://news.example; repeat for several."),
    ] = None,
    name: Annotated[str, typer.Option(help="Owner of the key, for lists.")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the key.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Create a key. It is printed once: only its digest is stored."""
    from api.application import key_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, None)) as app:
        token, row = key_admin.create_key(app, scope, name, "cli", origin or ())
    typer.echo(token)
    if quiet:
        return
    if scope is Scope.SITE:
        typer.echo(f"site key {row.id} of {', '.join(row.origins)}; it may stand in pages. It is not shown again.")
    else:
        typer.echo(f"key {row.id}, scope {scope}; send it as 'Authorization: Bearer …'. It is not shown again.")


@app.command("list")
def list_keys(database_url: DatabaseUrl = None) -> None:
    """List all keys ever created: id, scope, times of creation, last use and revocation, names and origins."""
    from api.application import key_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, None)) as app:
        found = key_admin.list_keys(app)
    if not found:
        typer.echo("no keys: the service is open, on this machine only; `attune keys create` creates the first")
    for row in found:
        status = f"revoked {_time(row.revoked_at)}" if row.revoked_at else "valid"
        used = f"used {_time(row.last_used_at)}" if row.last_used_at else "never used"
        owner = "  ".join(filter(None, (row.name, *row.origins)))
        typer.echo(f"{row.id}  {row.scope:5}  created {_time(row.created_at)}  {used}  {status}  {owner}".rstrip())


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Id of the key, as `attune keys list` shows it.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Revoke a key for good; running services refuse it within a second."""
    from api.application import key_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, None)) as app:
        key_admin.revoke_key(app, key, actor="cli")
    typer.echo(f"key {key} is revoked")


def _time(at: int | None) -> str:
    from api.application.iso_time import to_iso

    return "" if at is None else f"{to_iso(at)[:19]}Z"
