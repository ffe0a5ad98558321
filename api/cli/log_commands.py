"""`attune log`: archive, verify, show."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, moment, settings_from

app = typer.Typer(
    help="Archive of the event log: older rows as Parquet files, which every command still reads.",
    no_args_is_help=True,
)


@app.command()
def archive(
    folder: Annotated[
        str, typer.Argument(metavar="URL", help="Folder for the files, or an address such as s3://bucket/attune.")
    ],
    before: Annotated[
        str, typer.Option("--before", help="Move the months before this time (ISO 8601), which is rounded down.")
    ],
    database_url: DatabaseUrl = None,
) -> None:
    """Move older events and impressions from SQL to files; a run that was interrupted is completed."""
    import time
    from itertools import groupby

    from api.application.context import opened_application
    from api.application.iso_time import to_iso
    from api.application.log_archiving import archive_log, plan_archive
    from recsys.store.archive_scope import month_of

    given = moment(before, "--before")
    assert given is not None, "the option is required"
    with opened_application(settings_from(database_url, None)) as application:
        plan = plan_archive(application, given, time.time_ns() // 1_000)
        wanted = ", ".join(f"{table.rows:,} {table.log_table}" for table in plan.tables)
        typer.echo(f"moving what was known before {to_iso(plan.until)[:10]}: at most {wanted}")
        rows = 0
        moved = archive_log(application, plan, folder, actor="cli")
        for (table, month), files in groupby(moved, lambda file: (file.log_table, month_of(file.first_known_at))):
            group = list(files)
            count, size = sum(file.rows for file in group), sum(file.size for file in group)
            rows += count
            typer.echo(_line(month, table, count, len(group), size))
    typer.echo(f"{rows:,} rows are archived; keep the files as you keep the database")


@app.command()
def verify(database_url: DatabaseUrl = None) -> None:
    """Compare every archived file with its record in SQL; exit with status 1 if one is missing or damaged."""
    from api.application.context import opened_application
    from api.application.log_archiving import verify_archive

    with opened_application(settings_from(database_url, None)) as application:
        found = verify_archive(application)
    for error in found.errors:
        typer.secho(f"attune: {error}", fg="red", err=True)
    if found.leftovers:
        typer.echo(f"files to be deleted: {found.leftovers}; the next attune log archive or erase does it")
    if found.errors:
        typer.echo(f"attune: {len(found.errors)} of {found.files} files are missing or damaged", err=True)
        raise typer.Exit(1)
    typer.echo(f"{found.files:,} files with {found.rows:,} rows are as SQL recorded them")


@app.command()
def show(database_url: DatabaseUrl = None) -> None:
    """List what is archived: month, table, rows, files and their size."""
    from api.application.context import opened_application
    from api.application.log_archiving import archived_months

    with opened_application(settings_from(database_url, None)) as application:
        months = archived_months(application)
    for each in months:
        typer.echo(_line(each.month, each.log_table, each.rows, each.files, each.size))
    if not months:
        typer.echo("nothing is archived; attune log archive does it")


def _line(month: str, table: str, rows: int, files: int, size: int) -> str:
    from rich.filesize import decimal

    return f"{month}  {table:11}  {rows:>12,} rows  {files:>5,} files  {decimal(size):>10}"
