"""Messages about new articles with a flagged headline: one whose vector the calibration adjusted."""

from collections.abc import Sequence

import polars as pl

from recsys.domain import DAY, WebhookEvent
from recsys.encoder.article_text import ArticleText, article_texts, text_hash
from recsys.encoder.body_reading import reads_bodies
from recsys.encoder.protocols import Encoded, Encoder
from recsys.store import webhook_outbox
from recsys.store.database import Database

NEW = DAY
"""Age up to which an article is news to an editor. Another bundle has all articles encoded again, old ones too."""


class AttentionRecorder:
    """Encoder that keeps the attention of the texts it encodes."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._observed: list[pl.DataFrame] = []

    @property
    def name(self) -> str:
        """Return the name of the vectors to use."""
        return self._encoder.name

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        """Encode articles by their texts.

        Raises:
            EncoderError: see `protocols.Encoder`.
        """
        encoded = self._encoder.encode(texts)
        if encoded.attention is not None:
            self._observed.append(encoded.attention)
        return encoded

    def flagged(self) -> pl.DataFrame:
        """Return the rows of adjusted headlines: text_hash, flagged_share, score."""
        columns = ("text_hash", "flagged_share", "score")
        rows = [frame.filter("gated").select(columns) for frame in self._observed]
        return pl.concat(rows).unique("text_hash") if rows else pl.DataFrame(schema=dict.fromkeys(columns))


def announce_flagged(database: Database, articles: pl.DataFrame, recorder: AttentionRecorder, at: int) -> int:
    """Notify webhooks of those of `articles` that are new at `at` (microseconds) and flagged; return their number.

    articles: columns of `frames.ARTICLES`.
    """
    flagged = recorder.flagged()
    recent = articles.filter(pl.col("published_at").is_between(at - NEW, at))  # none under embargo
    if flagged.is_empty() or recent.is_empty():
        return 0
    hashes = [text_hash(text) for text in article_texts(recent, reads_bodies(recorder.name))]
    found = recent.with_columns(text_hash=pl.Series(hashes)).join(flagged, on="text_hash")
    if found.is_empty():
        return 0
    with database.write() as connection:
        for row in found.sort("id").iter_rows(named=True):
            data = {name: row[name] for name in ("title", "source", "flagged_share", "score")}
            about = {"article": row["id"], **data}
            webhook_outbox.announce(connection, WebhookEvent.HEADLINE_FLAGGED, about, at)
    return found.height
