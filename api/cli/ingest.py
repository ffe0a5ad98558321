"""``attune ingest``: store articles and behaviour from files."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.options import DatabaseUrl, Home, settings_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.generic_schema import Reading
    from ingest.pseudonyms import Pseudonyms
    from ingest.sources.source import Source
    from ingest.time_values import TimeReader
    from recsys.settings import Settings

app = typer.Typer(help="Store articles and behaviour from files. Safe to repeat and to interrupt.")

Folder = Annotated[Path, typer.Argument(help="Folder of the data set.")]
Timezone = Annotated[str, typer.Option(help="Time zone of times that name none, like Europe/Copenhagen.")]
TimeFormat = Annotated[
    str | None, typer.Option(help="Form of times that Attune does not read by itself, like '%d.%m.%Y %H:%M'.")
]
MaxRejects = Annotated[
    float,
    typer.Option(min=0, max=100, help="Largest share of rejected rows in percent; above it the exit status is 4."),
]

NOTHING_STORED, MANY_REJECTS = 3, 4
"""Exit statuses: every row was rejected; more rows were rejected than allowed."""

Paths = Annotated[list[Path], typer.Argument(help="Files, or folders of files.")]


@app.command()
def ebnerd(
    folder: Folder, max_rejects: MaxRejects = 50.0, database_url: DatabaseUrl = None, home: Home = None
) -> None:
    """Ingest EB-NeRD: behaviors.parquet, history.parquet and articles.parquet, also in train/ and validation/."""
    from ingest.sources.ebnerd import Ebnerd

    _run(lambda names: Ebnerd(folder, pseudonyms=names), settings_from(database_url, home), max_rejects)


@app.command()
def mind(
    folder: Annotated[Path | None, typer.Argument(help="Folder of the data set.")] = None,
    download: Annotated[
        Literal["small", "large"] | None, typer.Option("--download", help="Download the public archives first.")
    ] = None,
    mirror: Annotated[str | None, typer.Option("--mirror", help="URL to download the archives from.")] = None,
    max_rejects: MaxRejects = 50.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest MIND: news.tsv and behaviors.tsv, also in train/ and dev/."""
    from ingest.sources.mind import Mind

    settings = settings_from(database_url, home)
    if download is not None:
        folder = folder or settings.home / "data" / f"MIND{download}"
        _download(download, folder, mirror)
    if (chosen := folder) is None:
        raise typer.BadParameter("give the folder of the data set, or --download small")
    _run(lambda names: Mind(chosen, pseudonyms=names), settings, max_rejects)


@app.command()
def jsonl(
    paths: Paths,
    timezone: Timezone = "UTC",
    time_format: TimeFormat = None,
    max_rejects: MaxRejects = 50.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest JSON lines: articles, events and impressions, recognized by their fields; a file may mix them."""
    from ingest.sources.jsonl import JsonLines

    times = _times(timezone, time_format)
    _run(
        lambda names: JsonLines(paths, reading=_reading(names, times)),
        settings_from(database_url, home),
        max_rejects,
    )


@app.command()
def csv(
    paths: Paths,
    timezone: Timezone = "UTC",
    time_format: TimeFormat = None,
    max_rejects: MaxRejects = 50.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest CSV files with a header: articles, events or impressions, recognized by the columns of each file."""
    from ingest.sources.csv import CsvFiles

    times = _times(timezone, time_format)
    _run(
        lambda names: CsvFiles(paths, reading=_reading(names, times)),
        settings_from(database_url, home),
        max_rejects,
    )


@app.command()
def parquet(
    paths: Paths,
    timezone: Timezone = "UTC",
    time_format: TimeFormat = None,
    max_rejects: MaxRejects = 50.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest Parquet files: articles, events or impressions, recognized by the columns of each file."""
    from ingest.sources.parquet import ParquetFiles

    times = _times(timezone, time_format)
    _run(
        lambda names: ParquetFiles(paths, reading=_reading(names, times)),
        settings_from(database_url, home),
        max_rejects,
    )


def _times(timezone: str, pattern: str | None) -> "TimeReader":
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from ingest.time_values import TimeReader

    try:
        return TimeReader(ZoneInfo(timezone), pattern)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise typer.BadParameter(f"there is no time zone {timezone!r}: write it like Europe/Copenhagen") from error


def _reading(pseudonyms: "Pseudonyms", times: "TimeReader") -> "Reading":
    from ingest.generic_schema import Reading

    return Reading(pseudonyms, times)


def _run(source_of: "Callable[[Pseudonyms], Source]", settings: "Settings", max_rejects: float) -> None:
    """Run a job and print its report; exit with 3 if nothing was stored, with 4 above `max_rejects` percent."""
    from api.application.context import opened_application
    from api.application.ingestion import run_ingest_job, unread_language
    from api.cli.ingest_report import show
    from api.cli.progress import bars
    from ingest.pseudonyms import Pseudonyms

    source = source_of(Pseudonyms(settings.pseudonym_secret))
    with bars() as progress, opened_application(settings) as app:
        report = run_ingest_job(app, source, partial(progress, "ingest"))
        warning = unread_language(app)
    show(report, warning)
    read, rejected = (sum(counts) for counts in zip(*(report.total(kind) for kind in report.kinds()), strict=True))
    if rejected == read:
        raise typer.Exit(NOTHING_STORED)
    if 100 * rejected > max_rejects * read:
        raise typer.Exit(MANY_REJECTS)


def _download(size: Literal["small", "large"], folder: Path, mirror: str | None) -> None:
    from api.cli.progress import bars
    from ingest import download

    with bars() as progress:
        download.mind(size, folder, partial(progress, "download"), [mirror] if mirror else download.MIRRORS)
