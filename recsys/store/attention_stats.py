"""Aggregates of the encoder's attention on articles and of its calibration. They contain no reader data."""

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
    """State of calibration in one process at one time; None where a value is not known yet.

    at: microseconds; bundle, calibrator: version and digest; texts: number of texts behind the values; score_p50,
    score_p99: D1 scores; flag_rate: share of flagged words; gated_share: share of adjusted texts; entropy_psi: of
    the head with the most drift; received_kl: mean divergence of the attention that tokens receive;
    seconds_per_text: time added by calibration; alert: text.
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
    """Store rows with the columns of `frames.ARTICLE_ATTENTION`; keep those already stored."""
    if frame.is_empty():
        return
    connection.execute(insert(connection, article_attention).on_conflict_do_nothing(), frame.to_dicts())


def load(connection: Connection, model: str, calibrator: str, text_hashes: Sequence[str]) -> pl.DataFrame:
    """Return the stored rows of `text_hashes` (columns of `frames.ARTICLE_ATTENTION`), sorted by text hash."""
    a = article_attention
    frame = pl.DataFrame({"text_hash": list(text_hashes)}, schema={"text_hash": pl.String})
    requested = bulk_insert.stage(connection, a, frame.unique())
    query = sa.select(*(a.c[name] for name in ARTICLE_ATTENTION))
    query = query.join(requested, requested.c.text_hash == a.c.text_hash)
    query = query.where(a.c.model == model, a.c.calibrator == calibrator).order_by(a.c.text_hash)
    return pl.DataFrame(connection.execute(query).fetchall(), schema=ARTICLE_ATTENTION, orient="row")


def record(connection: Connection, row: MonitorRow) -> None:
    """Add a row to the monitor's table."""
    connection.execute(sa.insert(attention_monitor).values(**asdict(row)))


def newest(connection: Connection, count: int) -> list[MonitorRow]:
    """Return the last `count` rows of the monitor, newest first."""
    m = attention_monitor
    query = sa.select(*(m.c[field.name] for field in fields(MonitorRow))).order_by(m.c.id.desc()).limit(count)
    return [MonitorRow(*row) for row in connection.execute(query)]
