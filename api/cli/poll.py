"""`attune poll`: read sources of articles again and again."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DatabaseUrl, Home, settings_from

if TYPE_CHECKING:
    from api.application.context import Application
    from ingest.web.source_polling import Polled, SourcePoller

AllowPrivate = Annotated[
    bool,
    typer.Option("--allow-private", help="Also read addresses in private networks, redirects to them included."),
]


def poll(
    once: Annotated[bool, typer.Option("--once", help="Read the sources that are due, and exit.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Print every source with its state, and exit.")] = False,
    remove: Annotated[
        str | None, typer.Option("--remove", help="Forget the source of this URL, and exit.")
    ] = None,
    allow_private: AllowPrivate = False,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Read the sources that `attune ingest feed` added, each at its interval, until SIGTERM; run one process."""
    import asyncio

    from api.application.context import opened_application
    from api.application.web_sources import FeedOptions, poll_due, remove_source, source_poller
    from recsys.errors import RequestError

    with opened_application(settings_from(database_url, home)) as app:
        if list_:
            _print_sources(app)
            return
        if remove is not None:
            if not remove_source(app, remove):
                raise RequestError(f"there is no source {remove}: `attune poll --list` prints them")
            typer.echo(f"source {remove} is removed; its articles stay")
            return
        poller = source_poller(app, FeedOptions(allow_private=allow_private))
        if once:
            print_polled(asyncio.run(poll_due(app, poller)))
        else:
            asyncio.run(_until_signal(app, poller))


async def _until_signal(app: "Application", poller: "SourcePoller") -> None:
    import asyncio
    import signal

    from api.application.web_sources import keep_polling

    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    typer.echo("polling; stop with SIGTERM or Ctrl-C")
    await keep_polling(app, poller, stop, print_polled)


def print_polled(polled: "list[Polled]") -> None:
    """Print one line for each source that changed or failed. Queries of URLs may contain secrets: not printed."""
    from urllib.parse import urlsplit

    for each in polled:
        parts = urlsplit(each.url)
        shown = f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.scheme else each.url
        if each.error is not None:
            typer.secho(f"{shown}: {each.error.replace(each.url, shown)}", fg="red", err=True)
            continue
        numbers = {name: each.counts.get(f"articles.{name}", 0) for name in ("stored", "updated")}
        numbers |= {"withdrawn": each.withdrawn, "sources listed": len(each.listed)}
        if any(numbers.values()):
            typer.echo(f"{shown}: {', '.join(f'{count} {name}' for name, count in numbers.items() if count)}")


def _print_sources(app: "Application") -> None:
    from api.application.iso_time import to_iso
    from api.application.web_sources import list_sources

    rows = list_sources(app)
    for row in rows:
        state = "gone" if row.next_at is None else f"failed {row.failures}×" if row.failures else "works"
        times = [f"{to_iso(at)[:19]}Z" if at is not None else "never" for at in (row.checked_at, row.next_at)]
        typer.echo(f"{row.url}\n    {state}, read {times[0]}, next {times[1]}, {row.articles} articles")
        if row.error is not None:
            typer.echo(f"    {row.error}")
    if not rows:
        typer.echo("there is no source yet: add one with `attune ingest feed URL`")
