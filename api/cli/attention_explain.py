"""`attune attention explain`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from api.cli.options import DatabaseUrl, Home, moment, require_writable, settings_from
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from recsys.feed.engine import FeedEngine

_MOST_READS = 5
_TITLE = 30
_COLUMNS = ("falls", "α", "·∂", "s", "q", "chance", "was")
_SHORT = {"important": "yes", "unimportant": "no", None: "–"}
_LEGEND = (
    "falls: what the score loses without the read; α: its attention; ·∂: α × how the score grows with it;\n"
    "s: dwell in seconds; q: the reader's own quantile of it; was: whether it is known to have been important;\n"
    "chance: that it was, says the network, which is not told its dwell"
)


def explain(
    subject: Annotated[str, typer.Argument(metavar="READER", help="A reader's id.")],
    candidates: Annotated[
        str | None, typer.Option(help="Article ids, separated by commas; default: the reader's feed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="So many articles of the feed.")] = 3,
    as_of: Annotated[
        str | None, typer.Option(help="As it would have been then (ISO 8601, UTC); default: now.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything to this file.")] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Which reads carried the match with an article, and what its score loses without them."""
    from recsys.encoder.device import threads
    from recsys.encoder.lazy import LazyEncoder
    from recsys.feed.clock import Clock
    from recsys.feed.past import engine_at
    from recsys.store.database import open_database

    require_writable(json_file)
    settings = settings_from(database_url, home)
    given = moment(as_of, "--as-of")
    at = Clock().next() if given is None else given
    with threads(settings.threads):
        engine = engine_at(open_database(settings.database_url), settings, LazyEncoder(settings), at)
        if engine.state.readers.get(subject) < 0:
            raise ConfigError(f"{subject!r} is no reader that the log knew then: give a reader's id")
        found = _of_reader(engine, subject, candidates, limit, at)
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2))
    _tell_reader(found)


def _of_reader(
    engine: "FeedEngine", reader: str, candidates: str | None, limit: int, as_of: int
) -> dict[str, Any]:
    """The explanation of the candidates named, or of the first `limit` articles of the reader's feed."""
    from recsys.domain import FeedRequest, RankRequest
    from recsys.feed.attention import explain_reader

    if candidates is None:
        feed = engine.recommend(FeedRequest("explain", as_of, reader, limit=limit, explain=False))
        ids = tuple(item.id for item in feed.items)
    else:
        ids = tuple(dict.fromkeys(part.strip() for part in candidates.split(",") if part.strip()))
    return explain_reader(engine, RankRequest("explain", as_of, ids, reader))


def _tell_reader(found: Mapping[str, Any]) -> None:
    console = Console()
    if not found["candidates"]:
        typer.echo("nothing to explain: the reader has read nothing that has a vector, or no candidate has one")
        return
    for candidate in found["candidates"]:
        title = f"{candidate['title']} ({candidate['id']}): match {candidate['score']:.3f}"
        table = Table(title=title, box=SIMPLE, padding=(0, 1, 0, 0))
        table.add_column("because of", overflow="ellipsis", no_wrap=True, max_width=_TITLE)
        for name in _COLUMNS:
            table.add_column(name, justify="right", no_wrap=True)
        for read in candidate["reads"][:_MOST_READS]:
            figures = [f"{read['fall']:+.3f}", f"{read['attention']:.3f}", _told(read["gradient"], "+.3f")]
            dwell = [
                _told(read["seconds"], ".0f"),
                _told(read["quantile"], ".2f"),
                _told(read["importance"], ".2f"),
            ]
            table.add_row(read["title"], *figures, *dwell, _SHORT[read["outcome"]])
        console.print(table)
    typer.echo(_LEGEND)


def _told(value: float | None, how: str) -> str:
    return "–" if value is None else format(value, how)
