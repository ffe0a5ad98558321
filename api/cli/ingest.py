"""``attune ingest``: store articles and behaviour from files."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.options import DatabaseUrl, Home, settings_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.job_report import Report
    from ingest.sources.source import Source
    from recsys.settings import Settings

app = typer.Typer(help="Store articles and behaviour from files. Safe to repeat and to interrupt.")

Folder = Annotated[Path, typer.Argument(help="Folder of the data set.")]
Paths = Annotated[list[Path], typer.Argument(help="Files, or folders of files.")]


@app.command()
def ebnerd(folder: Folder, database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Ingest EB-NeRD: behaviors.parquet, history.parquet and articles.parquet, also in train/ and validation/."""
    from ingest.sources.ebnerd import Ebnerd

    _run(partial(Ebnerd, folder), settings_from(database_url, home))


@app.command()
def mind(
    folder: Annotated[Path | None, typer.Argument(help="Folder of the data set.")] = None,
    download: Annotated[
        Literal["small", "large"] | None, typer.Option("--download", help="Download the public archives first.")
    ] = None,
    mirror: Annotated[str | None, typer.Option("--mirror", help="URL to download the archives from.")] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest MIND: news.tsv and behaviors.tsv, also in train/ and dev/."""
    from ingest.sources.mind import Mind

    settings = settings_from(database_url, home)
    if download is not None:
        folder = folder or settings.home / "data" / f"MIND{download}"
        _download(download, folder, mirror)
    if folder is None:
        raise typer.BadParameter("give the folder of the data set, or --download small")
    _run(partial(Mind, folder), settings)


@app.command()
def jsonl(paths: Paths, database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Ingest JSON lines: articles, events and impressions, recognized by their fields; a file may mix them."""
    from ingest.sources.jsonl import JsonLines

    _run(partial(JsonLines, paths), settings_from(database_url, home))


@app.command()
def csv(paths: Paths, database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Ingest CSV files with a header: articles, events or impressions, recognized by the columns of each file."""
    from ingest.sources.csv import CsvFiles

    _run(partial(CsvFiles, paths), settings_from(database_url, home))


@app.command()
def parquet(paths: Paths, database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Ingest Parquet files: articles, events or impressions, recognized by the columns of each file."""
    from ingest.sources.parquet import ParquetFiles

    _run(partial(ParquetFiles, paths), settings_from(database_url, home))


def _run(source_of: "Callable[..., Source]", settings: "Settings") -> None:
    from api.application.context import opened_application
    from api.application.ingestion import run_ingest_job
    from api.cli.progress import bars
    from ingest.pseudonyms import Pseudonyms

    source = source_of(Pseudonyms(settings.pseudonym_secret))
    with bars() as progress, opened_application(settings) as app:
        report = run_ingest_job(app, source, partial(progress, "ingest"))
    _show(report)


def _download(size: Literal["small", "large"], folder: Path, mirror: str | None) -> None:
    from api.cli.progress import bars
    from ingest import download

    with bars() as progress:
        download.mind(size, folder, partial(progress, "download"), [mirror] if mirror else download.MIRRORS)


def _show(report: "Report") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for header in ("read", "stored", "updated", "duplicate", "rejected", "without article"):
        table.add_column(header, justify="right")
    for kind in report.kinds():
        outcomes = [report.count(kind, name) for name in ("read", "stored", "updated", "duplicate")]
        numbers = [*outcomes, sum(report.rejected(kind).values()), report.count(kind, "unknown_article")]
        table.add_row(kind, *(f"{number:,}" for number in numbers))
    console = Console()
    console.print(table)
    for kind in report.kinds():
        for reason, rows in report.rejected(kind).items():
            console.print(f"{kind} rejected, {reason}: {rows:,}")
    if any(report.rejected(kind) for kind in report.kinds()):
        console.print(f"rejected rows are in {report.rejects_folder}", soft_wrap=True)
    if report.resumed_from:
        console.print("an earlier run of this input was interrupted; this run continued it")
    rate = report.rows_this_run / max(report.seconds, 1e-9)
    console.print(f"{report.rows_this_run:,} rows in {report.seconds:.1f} s ({rate:,.0f} rows/s)")
