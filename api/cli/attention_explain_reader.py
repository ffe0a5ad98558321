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
    "falls: loss of the score without the read; α: its attention; ·∂: α × gradient of the score by α;\n"
    "s: dwell in seconds; q: the reader's own quantile of it; was: known outcome, important or not;\n"
    "chance: probability that it was important, by the network, without the dwell of this read"
)


def explain_reader(
    database: "Database", settings: "Settings", reader: str, candidates: str | None, limit: int, as_of: int
) -> dict[str, Any]:
    """Return the effect of each read on the match with `candidates`, or with the first `limit` feed articles.

    Raises:
        ConfigError: the reader was unknown at `as_of` (microseconds).
    """
    from recsys.cpu_threads import cpu_threads
    from recsys.encoder.lazy import LazyEncoder
    from recsys.feed.point_in_time import engine_at

    with cpu_threads(settings.threads):
        engine = engine_at(database, settings, LazyEncoder(settings), as_of)
        if engine.state.readers.get(reader) < 0:
            raise ConfigError(f"{reader!r} was not a known reader at that time: choose a later --as-of")
        return _of_reader(engine, reader, candidates, limit, as_of)


def _of_reader(
    engine: "FeedEngine", reader: str, candidates: str | None, limit: int, as_of: int
) -> dict[str, Any]:
    """Return the explanation of the candidates, or of the first `limit` articles of the reader's feed."""
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
    """Print a table for each candidate, with the reads of the largest effect first."""
    console = Console()
    if not found["candidates"]:
        typer.echo("nothing to explain: no read of this reader, or no candidate, has a vector")
        return
    for candidate in found["candidates"]:
        title = f"{candidate['title']} ({candidate['id']}): match {candidate['score']:.3f}"
        table = Table(title=title, box=SIMPLE, padding=(0, 1, 0, 0))
        table.add_column("because of", overflow="ellipsis", no_wrap=True, max_width=_TITLE)
        for name in _COLUMNS:
            table.add_column(name, justify="right", no_wrap=True)
        for read in candidate["reads"][:_MOST_READS]:
            figures = [f"{read['fall']:+.3f}", f"{read['attention']:.3f}", _format(read["gradient"], "+.3f")]
            dwell = [
                _format(read["seconds"], ".0f"),
                _format(read["quantile"], ".2f"),
                _format(read["importance"], ".2f"),
            ]
            table.add_row(read["title"], *figures, *dwell, _SHORT[read["outcome"]])
        console.print(table)
    typer.echo(_LEGEND)


def _format(value: float | None, spec: str) -> str:
    return "–" if value is None else format(value, spec)
