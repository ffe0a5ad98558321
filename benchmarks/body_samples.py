"""Long bodies of real text, for measurements of how the encoder reads them.

Windows of meetings (QMSum) are long texts as they are. Bodies with a known topic are made from MIND abstracts:
half of the sentences are of the body's category, the others of any, so that one sentence does not show the topic.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from recsys.encoder.bert import WINDOW_TOKENS, TextEncoder

MEETINGS = Path("../shared/data/qmsum/meetings.jsonl")
NEWS = Path("../shared/data/mind-sample/news.jsonl")
_LEAST_ARTICLES = 60
"""Articles of a category that bodies are made of."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """Tokenised bodies. topics: category of each, empty for windows of meetings."""

    tokens: list[list[int]]
    topics: list[str]


def meeting_windows(encoder: TextEncoder, path: Path, count: int) -> Bodies:
    """Return `count` windows, from as many meetings as possible."""
    meetings = [json.loads(line) for line in path.read_text().splitlines()]
    texts = [" ".join(turn["content"] for turn in meeting["meeting_transcripts"]) for meeting in meetings]
    most = -(-count // len(texts))
    windows = [window for text in texts for window in encoder.windows(text, most) if len(window) == WINDOW_TOKENS]
    return Bodies(windows[:count], [])


def topic_bodies(encoder: TextEncoder, path: Path, count: int, seed: int = 7) -> Bodies:
    """Return `count` bodies with planted topics, each category alike."""
    rng = np.random.default_rng(seed)
    news = pl.read_ndjson(path).filter(pl.col("abstract").str.len_chars() > 0)
    large = news["category"].value_counts().filter(pl.col("count") >= _LEAST_ARTICLES)["category"].sort().to_list()
    of_topic = {name: news.filter(pl.col("category") == name)["abstract"].to_list() for name in large}
    topics = [large[row % len(large)] for row in range(count)]
    bodies = []
    for topic in topics:
        own, others = rng.permutation(of_topic[topic]), rng.permutation(news["abstract"].to_list())
        text = " ".join(f"{one} {other}" for one, other in zip(own[:30], others[:30], strict=True))
        bodies.append(encoder.windows(text, 1)[0])
    return Bodies(bodies, topics)
