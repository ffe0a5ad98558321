"""`attune rank`."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, moment, settings_from
from recsys.errors import ConfigError


def rank(
    reader: Annotated[str, typer.Option(help="Reader id.")],
    candidates: Annotated[str, typer.Option(help="Article ids, separated by commas.")],
    as_of: Annotated[str | None, typer.Option(help="Rank as of this time (ISO 8601, UTC); default: now.")] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Rank candidates for a reader as of any time, by replay of the log: print id, score and explanations.

    Nothing is logged: like all commands that show a feed or a ranking, it is a preview.
    """
    from api.application import feeds
    from api.application.context import opened_application
    from ingest.pseudonyms import Pseudonyms
    from recsys.domain import RankRequest
    from recsys.serving.clock import Clock

    settings = settings_from(database_url, home)
    given = moment(as_of, "--as-of")
    at = Clock().next() if given is None else given
    ids = tuple(dict.fromkeys(part.strip() for part in candidates.split(",") if part.strip()))
    if not ids:
        raise ConfigError("--candidates is empty: give article ids, separated by commas")
    stored_id = Pseudonyms(settings.pseudonym_secret).of(reader)
    request = RankRequest(request_id="rank", as_of=at, candidates=ids, reader=stored_id)
    with opened_application(settings) as app:
        ranking = feeds.rank_as_of(app, request)
    for item in ranking.items:
        typer.echo(f"{item.id}\t{item.score:.6f}\t{'; '.join(reason.text for reason in item.reasons)}")
