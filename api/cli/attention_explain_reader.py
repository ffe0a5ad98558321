"""`attune attention explain READER`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from recsys.errors import ConfigError

if TYPE_CHECKING:
    from recsys.feed.engine import FeedEngine
    from recsys.settings import Settings
    from recsys.store.database import Database

_MOST_READS = 5
_TITLE = 30
_COLUMNS = ("falls", "α", "·∂", "s", "q", "chance", "was")
_SHORT = {"important": "yes", "unimportant": "no", None: "–"}
_LEGEND = (
    "falls: what the score loses without the read; α: its attention; ·∂: α × how the score grows with it;\n"
    "s: dwell in seconds; q: the reader's own quantile of it; was: whether it is known to have been important;\n"
    "chance: that it was, says the network, which is not told its dwell"
)


def explain_reader(
    database: "Database", settings: "Settings", reader: str, candidates: str | None, limit: int, as_of: int
) -> dict[str, Any]:
    """Which reads carried the match with the candidates named, or with the first `limit` articles of the feed.

    Raises:
        ConfigError: nothing was known of the reader at `as_of` (microseconds).
    """
    from recsys.encoder.lazy import LazyEncoder
    from recsys.feed.point_in_time import engine_at
    from recsys.threads import threads

    with threads(settings.threads):
        engine = engine_at(database, settings, LazyEncoder(settings), as_of)
        if engine.state.readers.get(reader) < 0:
            raise ConfigError(f"{reader!r} is no reader that the log knew then: choose a later --as-of")
        return _of_reader(engine, reader, candidates, limit, as_of)


def _of_reader(
    engine: "FeedEngine", reader: str, candidates: str | None, limit: int, as_of: int
) -> dict[str, Any]:
    """The explanation of the candidates named, or of the first `limit` articles of the reader's feed."""
    from recsys.domain import FeedRequest, RankRequest
    from recsys.insight.explain_reader import explain_reader as explained

    if candidates is None:
        feed = engine.recommend(
            FeedRequest(request_id="explain", as_of=as_of, reader=reader, limit=limit, explain=False)
        )
        ids = tuple(item.id for item in feed.ranking.items)
    else:
        ids = tuple(dict.fromkeys(part.strip() for part in candidates.split(",") if part.strip()))
    return explained(engine, RankRequest(request_id="explain", as_of=as_of, candidates=ids, reader=reader))


def print_reader(found: Mapping[str, Any]) -> None:
    """A table for each candidate, what mattered most first."""
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
