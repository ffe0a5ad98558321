"""English MIND impressions as benchmarks match them: histories, candidates and clicks, nothing trained on them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys import frames
from recsys.encoder.article_text import ArticleText, article_texts
from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.scored_slates import ScoredSlates
from recsys.user_model.matcher import ReadHistory

SAMPLE = Path("../shared/data/mind-sample")
_SECONDS_APART = 60.0


@dataclass(frozen=True, slots=True)
class Impressions:
    """articles: columns of `frames.ARTICLES`; history, candidates: rows of them; clicked: 0 or 1 each."""

    articles: pl.DataFrame
    history: list[list[int]]
    candidates: list[list[int]]
    clicked: list[list[int]]

    @property
    def texts(self) -> list[ArticleText]:
        """What the encoder reads of each article."""
        return article_texts(self.articles)

    def matched(self, vectors: NDArray[np.float32]) -> Iterator[tuple[ReadHistory, NDArray[np.float32]]]:
        """Of each impression its history and the vectors of its candidates [n, d]; `vectors` are of the texts."""
        for history, candidates in zip(self.history, self.candidates, strict=True):
            unknown, together = np.full(len(history), np.nan), np.zeros(len(history))
            apart = np.full(len(history), _SECONDS_APART)
            yield ReadHistory.of(vectors[history], unknown, together, apart), vectors[candidates]


def impressions(folder: Path) -> Impressions | None:
    """Impressions with a history from `folder` (news.jsonl, impressions.jsonl); None if it has none."""
    if not (folder / "news.jsonl").exists():
        return None
    news = _lines(folder / "news.jsonl")
    row = {article["id"]: place for place, article in enumerate(news)}
    shown = _lines(folder / "impressions.jsonl")
    history = [[row[id_] for id_ in each["history"] if id_ in row] for each in shown]
    kept = [(each, before) for each, before in zip(shown, history, strict=True) if before]
    return Impressions(
        articles=_articles(news),
        history=[before for _, before in kept],
        candidates=[[row[id_] for id_ in each["candidates"]] for each, _ in kept],
        clicked=[[int(id_ in each["clicked"]) for id_ in each["candidates"]] for each, _ in kept],
    )


def auc(scores: Sequence[Sequence[float]], clicked: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Of each impression."""
    return metrics.auc(ScoredSlates.of(scores, clicked))


def told(interval: Interval) -> str:
    """As it is printed."""
    return f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]"


def _articles(news: Sequence[dict[str, Any]]) -> pl.DataFrame:
    columns = {name: [row.get(name) for row in news] for name in ("id", "title", "category", "abstract")}
    # the sample calls the subcategory "subvert"
    return frames.conform(
        pl.DataFrame({**columns, "subcategory": [row.get("subvert") for row in news]}), frames.ARTICLES
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
