"""English MIND impressions for benchmarks: histories, candidates and clicks, without training on them."""

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
_READ_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Impressions:
    """Impressions. articles: columns of `frames.ARTICLES`; history, candidates: their rows; clicked: 0 or 1."""

    articles: pl.DataFrame
    history: list[list[int]]
    candidates: list[list[int]]
    clicked: list[list[int]]

    @property
    def texts(self) -> list[ArticleText]:
        """Texts of the articles, for the encoder."""
        return article_texts(self.articles)

    def matched(self, vectors: NDArray[np.float32]) -> Iterator[tuple[ReadHistory, NDArray[np.float32]]]:
        """Yield the history and the candidate vectors [n, d] of each impression; `vectors` are of the texts."""
        for history, candidates in zip(self.history, self.candidates, strict=True):
            unknown, age = np.full(len(history), np.nan), np.zeros(len(history))
            expected = np.full(len(history), _READ_SECONDS)
            yield ReadHistory.of(vectors[history], unknown, age, expected), vectors[candidates]


def impressions(folder: Path) -> Impressions | None:
    """Return the impressions with a history in `folder` (news.jsonl, impressions.jsonl); None without files."""
    if not (folder / "news.jsonl").exists():
        return None
    news = _lines(folder / "news.jsonl")
    row = {article["id"]: place for place, article in enumerate(news)}
    shown = _lines(folder / "impressions.jsonl")
    history = [[row[id_] for id_ in each["history"] if id_ in row] for each in shown]
    usable = [(each, before) for each, before in zip(shown, history, strict=True) if before]
    return Impressions(
        articles=_articles(news),
        history=[before for _, before in usable],
        candidates=[[row[id_] for id_ in each["candidates"]] for each, _ in usable],
        clicked=[[int(id_ in each["clicked"]) for id_ in each["candidates"]] for each, _ in usable],
    )


def auc(scores: Sequence[Sequence[float]], clicked: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Return the AUC of each impression."""
    return metrics.auc(ScoredSlates.of(scores, clicked))


def interval_text(interval: Interval) -> str:
    """Return a mean with its interval, for printing."""
    return f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]"


def _articles(news: Sequence[dict[str, Any]]) -> pl.DataFrame:
    columns = {name: [row.get(name) for row in news] for name in ("id", "title", "category", "abstract")}
    # the sample calls the subcategory "subvert"
    return frames.conform(
        pl.DataFrame({**columns, "subcategory": [row.get("subvert") for row in news]}), frames.ARTICLES
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
