"""``attune ingest``: store articles and behaviour from files and feeds."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.options import DatabaseUrl, Home, settings_from
from api.cli.poll import AllowPrivate, print_polled

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.generic_schema import Reading
    from ingest.job_report import Report
    from ingest.pseudonyms import Pseudonyms
    from ingest.sources.source import Source
    from ingest.time_values import TimeReader
    from recsys.settings import Settings

app = typer.Typer(help="Store articles and behaviour from files and feeds. Safe to repeat and to interrupt.")

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

Paths = Annotated[
    list[Path], typer.Argument(help="Files, also .gz, .bz2 or .xz; folders of files; - for standard input.")
]
Map = Annotated[
    str | None,
    typer.Option(
        "--map", help="Mapping of other columns: a .toml file, or the name of one that comes with Attune."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print ten rows as they would be stored; store nothing.")]


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
    map_: Map = None,
    dry_run: DryRun = False,
    max_rejects: MaxRejects = 50.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest JSON lines: articles, events and impressions, recognized by their fields; a file may mix them."""
    from ingest.sources.jsonl import JsonLines

    options = _FileOptions(".jsonl", _times(timezone, time_format), map_, dry_run, max_rejects)
    _run_files(
        lambda files, reading: JsonLines(files, reading=reading), paths, options, settings_from(database_url, home)
    )


@app.command()
def csv(
    paths: Paths,
    timezone: Timezone = "UTC",
    time_format: TimeFormat = None,
    map_: Map = None,
    dry_run: DryRun = False,
    max_rejects: MaxRejects = 50.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest CSV files with a header: articles, events or impressions, recognized by the columns of each file."""
    from ingest.sources.csv import CsvFiles

    options = _FileOptions(".csv", _times(timezone, time_format), map_, dry_run, max_rejects)
    _run_files(
        lambda files, reading: CsvFiles(files, reading=reading), paths, options, settings_from(database_url, home)
    )


@app.command()
def parquet(
    paths: Paths,
    timezone: Timezone = "UTC",
    time_format: TimeFormat = None,
    map_: Map = None,
    dry_run: DryRun = False,
    max_rejects: MaxRejects = 50.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest Parquet files: articles, events or impressions, recognized by the columns of each file."""
    from ingest.sources.parquet import ParquetFiles

    options = _FileOptions(".parquet", _times(timezone, time_format), map_, dry_run, max_rejects)
    _run_files(
        lambda files, reading: ParquetFiles(files, reading=reading),
        paths,
        options,
        settings_from(database_url, home),
    )


@app.command()
def mastodon(
    archive: Annotated[
        Path, typer.Argument(help="Archive of a Mastodon account: .tar.gz, .zip, or an unpacked folder.")
    ],
    max_rejects: MaxRejects = 50.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest the archive of a Mastodon account: posts, replies, boosts, favourites, bookmarks and follows."""
    from ingest.generic_schema import Reading
    from ingest.sources.mastodon import MastodonArchive

    settings = settings_from(database_url, home)
    _run(lambda names: MastodonArchive(archive, Reading(names)), settings, max_rejects)


@app.command()
def timeline(
    server: Annotated[str, typer.Argument(help="Address of the account's Mastodon server, like https://HOST.")],
    pages: Annotated[int, typer.Option(min=1, max=100, help="Pages of 40 posts to read, newest first.")] = 20,
    max_rejects: MaxRejects = 50.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest the home timeline of a Mastodon account, and whom it follows; ATTUNE_MASTODON_TOKEN is its token."""
    from ingest.generic_schema import Reading
    from ingest.sources.mastodon_timeline import MastodonTimeline, open_client
    from recsys.errors import ConfigError

    settings = settings_from(database_url, home)
    token = "" if settings.mastodon_token is None else settings.mastodon_token.get_secret_value()
    if not token:
        raise ConfigError(
            "the timeline needs the token of an account: create an application with the scope read under "
            "Preferences, Development of its server, and set ATTUNE_MASTODON_TOKEN to its access token"
        )
    client = open_client(server, token, settings.user_agent)
    _run(lambda names: MastodonTimeline(client, pages, Reading(names)), settings, max_rejects)


@app.command()
def feed(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="URL|FILE...", help="RSS, Atom, JSON Feed, news sitemap, OPML, or a page."),
    ],
    every: Annotated[
        int, typer.Option(min=1, max=1_440, help="Minutes between the readings of `attune poll`.")
    ] = 15,
    full_text: Annotated[
        bool, typer.Option("--full-text", help="Read articles without text from their pages (extra fulltext).")
    ] = False,
    allow_private: AllowPrivate = False,
    max_rejects: MaxRejects = 50.0,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Ingest articles from feeds, and keep the addresses as sources for `attune poll`."""
    import time

    from api.application.context import opened_application
    from api.application.ingestion import unread_language
    from api.application.web_sources import FeedOptions, feed_rejects, ingest_feeds
    from api.cli.ingest_report import show
    from ingest.job_report import Report
    from ingest.web.source_polling import total_counts

    started = time.monotonic()
    options = FeedOptions(interval=60 * every, full_text=full_text, allow_private=allow_private)
    with opened_application(settings_from(database_url, home)) as opened:
        polled = ingest_feeds(opened, inputs, options)
        warning = unread_language(opened)
        folder = feed_rejects(opened)
    print_polled(polled)
    counts = total_counts(polled)
    report = Report("feeds", counts, folder, 0, counts["articles.read"], time.monotonic() - started)
    show(report, warning)
    if polled and all(each.error is not None for each in polled):
        raise typer.Exit(NOTHING_STORED)
    _exit_by_rejects(report, max_rejects)


def _times(timezone: str, pattern: str | None) -> "TimeReader":
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from ingest.time_values import TimeReader

    try:
        return TimeReader(ZoneInfo(timezone), pattern)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise typer.BadParameter(f"there is no time zone {timezone!r}: write it like Europe/Copenhagen") from error


@dataclass(frozen=True, slots=True)
class _FileOptions:
    """Options of the generic formats. suffix: of the files in a folder. map_: name or file of a mapping."""

    suffix: str
    times: "TimeReader"
    map_: str | None
    dry_run: bool
    max_rejects: float


def _run_files(
    source_of: "Callable[[list[Path], Reading], Source]",
    paths: list[Path],
    options: _FileOptions,
    settings: "Settings",
) -> None:
    """Ingest files of a generic format, or show how their first rows would be stored."""
    from api.cli.ingest_report import show_rows
    from ingest.generic_schema import Reading
    from ingest.mapping import load_mapping
    from ingest.pseudonyms import Pseudonyms
    from ingest.raw_batch import Batch
    from ingest.unpacked_files import unpacked

    mapping = None if options.map_ is None else load_mapping(options.map_)
    with unpacked(paths, options.suffix, settings.home / "unpacked") as files:
        if options.dry_run:
            source = source_of(files, Reading(Pseudonyms(settings.pseudonym_secret), options.times, mapping))
            show_rows(next(source.batches(0), Batch(0)))
            return
        _run(lambda names: source_of(files, Reading(names, options.times, mapping)), settings, options.max_rejects)


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
    _exit_by_rejects(report, max_rejects, empty=NOTHING_STORED)


def _exit_by_rejects(report: "Report", max_rejects: float, empty: int = 0) -> None:
    """Exit with 3 if every row was rejected, with 4 above `max_rejects` percent, with `empty` without rows."""
    totals = [report.total(kind) for kind in report.kinds()]
    read, rejected = sum(rows for rows, _ in totals), sum(wrong for _, wrong in totals)
    if not read:
        raise typer.Exit(empty)
    if rejected == read:
        raise typer.Exit(NOTHING_STORED)
    if 100 * rejected > max_rejects * read:
        raise typer.Exit(MANY_REJECTS)


def _download(size: Literal["small", "large"], folder: Path, mirror: str | None) -> None:
    from api.cli.progress import bars
    from ingest import download

    with bars() as progress:
        download.mind(size, folder, partial(progress, "download"), [mirror] if mirror else download.MIRRORS)
