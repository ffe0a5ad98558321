"""`attune attention explain`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.cli.attention_explain_article import explain_article, print_article
from api.cli.attention_explain_reader import explain_reader, print_reader
from api.cli.options import DatabaseUrl, Home, moment, require_writable, settings_from
from recsys.errors import ConfigError


def explain(
    subject: Annotated[str, typer.Argument(metavar="ARTICLE|READER", help="The id of an article or a reader.")],
    candidates: Annotated[
        str | None, typer.Option(help="For a reader: article ids, separated by commas; default: their feed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="For a reader: so many articles of the feed.")] = 3,
    as_of: Annotated[
        str | None, typer.Option(help="For a reader: as it was then (ISO 8601, UTC); default: now.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything to this file.")] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Which words carried an article's vector, or which reads a reader's match, by leaving each out.

    An id that both a reader and an article have is taken for the reader's.
    """
    from ingest.pseudonyms import Pseudonyms
    from recsys.serving.clock import Clock
    from recsys.store import event_log
    from recsys.store.database import open_database

    require_writable(json_file)
    settings = settings_from(database_url, home)
    given = moment(as_of, "--as-of")
    database = open_database(settings.database_url)
    reader = Pseudonyms(settings.pseudonym_secret).of(subject)
    with database.read() as connection:
        is_reader = event_log.is_known_reader(connection, reader)
    if is_reader:
        at = Clock().next() if given is None else given
        found = explain_reader(database, settings, reader, candidates, limit, at)
    else:
        of_article = explain_article(database, settings, subject)
        if of_article is None:
            raise ConfigError(f"{subject!r} is no reader and no article of this log: give the id of one")
        found = of_article
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2))
    (print_reader if is_reader else print_article)(found)
