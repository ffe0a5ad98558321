"""`attune digest`."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from api.cli.options import DatabaseUrl, Home, settings_from
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from api.application.context import Application
    from api.application.letters.letter_folder import LetterFolder
    from api.application.letters.letter_maker import LetterMaker, LetterPlan
    from api.application.letters.letter_pages import Letter
    from api.application.letters.letter_readers import Recipient
    from recsys.settings import Settings

_BASE_URL = "http://127.0.0.1:8000"

_OUTCOMES = {
    "written": "written",
    "sent": "sent",
    "previewed": "made as previews",
    "before": "already delivered in this period, or unknown",
    "empty": "nothing fits the budget",
    "unsubscribed": "readers who want no newsletter",
    "no_address": "readers without an address in --addresses",
    "failed": "refused by the mail server; the next run tries them again",
    "unknown": "may have been sent, and are not sent again",
}


class Period(StrEnum):
    """Time in which a reader gets one newsletter."""

    DAY = "day"
    WEEK = "week"


class Language(StrEnum):
    """Languages of newsletters."""

    EN = "en"
    DA = "da"
    DE = "de"
    ZH = "zh"


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where newsletters go: to files in the folder `out`, by mail through the server `smtp`, or both."""

    out: Path | None
    smtp: str | None
    sender: str | None
    addresses: Path | None

    def check(self, dry_run: bool) -> None:
        """Check that an option which newsletters need is not missing.

        Raises:
            ConfigError: it is.
        """
        if self.out is None and self.smtp is None and not dry_run:
            raise ConfigError("say where newsletters go: --out FOLDER, --smtp URL, or both; --dry-run only looks")
        if self.smtp is not None and (self.sender is None or self.addresses is None):
            raise ConfigError("--smtp needs --from ADDRESS and --addresses FILE.csv")


def digest(
    reader: Annotated[str | None, typer.Argument(help="Id of one reader.", show_default=False)] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Newsletters of all readers.")] = False,
    minutes: Annotated[float, typer.Option(min=1, max=180, help="Most minutes that the articles take.")] = 10.0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for HTML, text and manifest.json.", show_default=False)
    ] = None,
    smtp: Annotated[
        str | None,
        typer.Option(
            help="Send by this server: smtp://USER@HOST:587 with STARTTLS, or smtps://USER@HOST; the password is "
            "in ATTUNE_SMTP_PASSWORD.",
            show_default=False,
        ),
    ] = None,
    sender: Annotated[str | None, typer.Option("--from", help="Address in From.", show_default=False)] = None,
    addresses: Annotated[
        Path | None,
        typer.Option(help="CSV with the columns reader and address; it is not stored.", show_default=False),
    ] = None,
    period: Annotated[
        Period, typer.Option(help="A reader gets one newsletter in it (UTC, ISO weeks).")
    ] = Period.DAY,
    base_url: Annotated[
        str, typer.Option(help="Address of the service that readers can reach, for the links.")
    ] = _BASE_URL,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most articles of a newsletter.")] = 10,
    lang: Annotated[Language, typer.Option(help="Language of fixed texts and reasons.")] = Language.EN,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only look: log, claim and send nothing; without --out print the text."),
    ] = False,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Make newsletters of readers from their feeds: write them to files, send them, or both.

    A reader gets one in a period, also if the command is killed and run again. Slates are logged as shown.
    """
    destination = _Destination(out, smtp, sender, addresses)
    if (reader is None) != everyone:
        raise ConfigError("give either one reader or --all")
    destination.check(dry_run)
    from api.application.command_service import serving_application

    settings = settings_from(database_url, home)
    plan = _plan(minutes, limit, period, lang, base_url, sends=smtp is not None)
    with serving_application(settings) as app:
        readers, counts = _readers(app, settings, reader, addresses)
        maker = _maker(app, plan)
        folder = None if out is None else _folder(app, out, plan.period)
        if dry_run:
            counts += _preview(maker, readers, folder)
        else:
            counts += _deliver(maker, readers, folder, destination, settings)
            _list_unknown(app, plan.period)
    for outcome, text in _OUTCOMES.items():
        if counts[outcome]:
            typer.echo(f"{text}: {counts[outcome]}")
    if not counts.total():
        typer.echo("there is no reader")


def _plan(
    minutes: float, limit: int, period: Period, lang: Language, base_url: str, *, sends: bool
) -> "LetterPlan":
    from api.application.letters.letter_maker import LetterPlan

    try:
        is_address = urlsplit(base_url).scheme in ("http", "https") and bool(urlsplit(base_url).hostname)
    except ValueError:
        is_address = False
    if not is_address or not base_url.isprintable() or any(each in base_url for each in " ?#<>"):
        raise ConfigError("--base-url is no address: use https://HOST or https://HOST/PATH")
    if base_url == _BASE_URL:
        if sends:
            raise ConfigError("--smtp needs --base-url: the links to unsubscribe must reach this service")
        typer.secho(f"warning: links lead to {_BASE_URL}; give --base-url", fg="yellow", err=True)
    today = datetime.now(UTC).date()
    return LetterPlan(
        minutes=minutes,
        limit=limit,
        period=period_name(today, period),
        day=today,
        language=lang.value,
        base_url=base_url.rstrip("/"),
    )


def period_name(day: date, period: Period) -> str:
    """Return the name of the period that a day is in: 2026-11-28, or 2026-W48 (ISO 8601)."""
    year, week, _ = day.isocalendar()
    return day.isoformat() if period is Period.DAY else f"{year}-W{week:02d}"


def _readers(
    app: "Application", settings: "Settings", reader: str | None, file: Path | None
) -> "tuple[list[Recipient], Counter[str]]":
    from api.application.letters.letter_readers import REJECTED, read_addresses, recipients
    from ingest.pseudonyms import Pseudonyms

    addresses, rejected = ({}, Counter()) if file is None else read_addresses(file)
    for reason, count in sorted(rejected.items()):
        typer.secho(f"warning: {count} rows of {file}: {REJECTED[reason]}", fg="yellow", err=True)
    found, away = recipients(app, reader, addresses, Pseudonyms(settings.pseudonym_secret))
    return list(found), Counter(unsubscribed=away)


def _maker(app: "Application", plan: "LetterPlan") -> "LetterMaker":
    from api.application.letters.letter_maker import LetterMaker
    from api.application.letters.unsubscribe_tokens import open_unsubscribe_tokens
    from api.application.reader_tokens import open_reader_tokens
    from api.http.reason_texts import reason_text

    return LetterMaker(
        app=app,
        plan=plan,
        reader_tokens=open_reader_tokens(app),
        unsubscribe_tokens=open_unsubscribe_tokens(app),
        reason_of=lambda reason: reason_text(reason, plan.language),
    )


def _folder(app: "Application", out: Path, period: str) -> "LetterFolder":
    from api.application.letters.letter_folder import LetterFolder
    from api.application.reader_tokens import token_secret

    return LetterFolder(out, period, token_secret(app))


def _preview(maker: "LetterMaker", readers: "list[Recipient]", folder: "LetterFolder | None") -> Counter[str]:
    from api.application.letters.letter_pages import letter_html, letter_text
    from api.application.letters.letter_run import preview_letters

    def show(reader: "Recipient", letter: "Letter") -> None:
        text = letter_text(letter, maker.plan.language)
        if folder is None:
            typer.echo(text)
        else:
            folder.write_preview(reader.named, letter_html(letter, maker.plan.language), text)

    return preview_letters(maker, readers, show)


def _deliver(
    maker: "LetterMaker",
    readers: "list[Recipient]",
    folder: "LetterFolder | None",
    destination: _Destination,
    settings: "Settings",
) -> Counter[str]:
    from api.application.letters.letter_mail import Mailer, is_address
    from api.application.letters.letter_run import Delivery, run_letters
    from api.cli.progress import bars

    smtp, sender = destination.smtp, destination.sender or ""
    try:
        with bars() as report:
            done: Callable[[int], None] = lambda count: report("newsletters", count, len(readers))  # noqa: E731
            done(0)
            if smtp is None:
                return run_letters(maker, readers, Delivery(folder=folder), done)
            if not is_address(sender):
                raise ConfigError("--from is no mail address, such as news@example.org")
            with Mailer(smtp, settings.smtp_secret) as mailer:
                return run_letters(maker, readers, Delivery(folder=folder, send=mailer.send, sender=sender), done)
    finally:
        if folder is not None:
            folder.write_manifest()


def _list_unknown(app: "Application", period: str) -> None:
    """Print the readers whose newsletter of the period may have been sent: only a person can find out."""
    from recsys.store import letters
    from recsys.store.letters import LetterStatus

    with app.database.read() as connection:
        unknown = letters.of_status(connection, period, LetterStatus.UNKNOWN)
    for each in unknown:
        typer.echo(f"unknown\t{each}")
