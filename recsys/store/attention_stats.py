"""What attention did with articles, and how calibration went: aggregates, nothing of readers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.frames import ARTICLE_ATTENTION
from recsys.store import bulk_insert
from recsys.store.conflict_insert import insert
from recsys.store.tables import article_attention, attention_monitor


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """Calibration in one process at one time; what is None is not known yet.

    at: microseconds; bundle, calibrator: version and digest; texts: how many the figures are of; score_p50,
    score_p99: D1; flag_rate: share of words; gated_share: of texts; entropy_psi: of the head that drifted most;
    received_kl: mean divergence of what tokens receive; seconds_per_text: added by calibration; alert: text.
    """

    at: int
    bundle: str
    calibrator: str
    texts: int
    score_p50: float | None
    score_p99: float | None
    flag_rate: float | None
    gated_share: float | None
    entropy_psi: float | None
    received_kl: float | None
    seconds_per_text: float | None
    breaker_open: bool
    alert: str | None = None


def save(connection: Connection, frame: pl.DataFrame) -> None:
    """Store rows with the columns of `frames.ARTICLE_ATTENTION`; those already stored stay."""
    if frame.is_empty():
        return
    connection.execute(insert(connection, article_attention).on_conflict_do_nothing(), frame.to_dicts())


def load(connection: Connection, model: str, calibrator: str, text_hashes: Sequence[str]) -> pl.DataFrame:
    """What is stored of `text_hashes` (columns of `frames.ARTICLE_ATTENTION`), by text hash."""
    a = article_attention
    frame = pl.DataFrame({"text_hash": list(text_hashes)}, schema={"text_hash": pl.String})
    wanted = bulk_insert.stage(connection, a, frame.unique())
    query = sa.select(*(a.c[name] for name in ARTICLE_ATTENTION))
    query = query.join(wanted, wanted.c.text_hash == a.c.text_hash)
    query = query.where(a.c.model == model, a.c.calibrator == calibrator).order_by(a.c.text_hash)
    return pl.DataFrame(connection.execute(query).fetchall(), schema=ARTICLE_ATTENTION, orient="row")


def record(connection: Connection, row: MonitorRow) -> None:
    """Add a row to the monitor's table."""
    connection.execute(sa.insert(attention_monitor).values(**asdict(row)))


def newest(connection: Connection, count: int) -> list[MonitorRow]:
    """The last `count` rows of the monitor, newest first."""
    m = attention_monitor
    query = sa.select(*(m.c[field.name] for field in fields(MonitorRow))).order_by(m.c.id.desc()).limit(count)
    return [MonitorRow(*row) for row in connection.execute(query)]
