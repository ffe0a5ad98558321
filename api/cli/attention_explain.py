"""`attune attention explain`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.cli.attention_explain_article import print_article
from api.cli.attention_explain_reader import explain_reader, print_reader
from api.cli.options import DatabaseUrl, Home, moment, require_writable, settings_from
from recsys.errors import ConfigError


def explain(
    subject: Annotated[str, typer.Argument(metavar="ARTICLE|READER", help="The id of an article or a reader.")],
    candidates: Annotated[
        str | None, typer.Option(help="For a reader: article ids, separated by commas; default: their feed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="For a reader: number of articles of the feed.")] = 3,
    as_of: Annotated[
        str | None, typer.Option(help="For a reader: explain as of this time (ISO 8601, UTC); default: now.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result to this file.")] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Explain an article's vector by its words, or a reader's match scores by the reads, leaving each out.

    An id that belongs to both a reader and an article is treated as the reader's.
    """
    from api.application.article_desk import explain_words
    from api.application.context import opened_application
    from ingest.pseudonyms import Pseudonyms
    from recsys.serving.clock import Clock
    from recsys.store import reader_rows
    from recsys.store.database import open_database

    require_writable(json_file)
    settings = settings_from(database_url, home)
    given = moment(as_of, "--as-of")
    database = open_database(settings.database_url)
    reader = Pseudonyms(settings.pseudonym_secret).of(subject)
    with database.read() as connection:
        is_reader = reader_rows.is_known_reader(connection, reader)
    if is_reader:
        at = Clock().next() if given is None else given
        found = explain_reader(database, settings, reader, candidates, limit, at)
    else:
        with opened_application(settings) as app:
            of_article = explain_words(app, subject)
        if of_article is None:
            raise ConfigError(f"{subject!r} is not a reader or an article in this log: check the id")
        found = of_article
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2))
    (print_reader if is_reader else print_article)(found)
