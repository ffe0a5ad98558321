"""Articles without a language: stored per second, and detected rightly, wrongly or not at all.

    python -m benchmarks.languages [--data DIR]

Stores simulated articles with and without a language. On the data sets in DIR, counts the answers for titles alone
and for titles with abstracts: EB-NeRD is Danish, MIND and NeMig are English.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl

from benchmarks.timing import best_seconds
from recsys.frames import ARTICLES, conform
from recsys.language_detection import detect_languages
from recsys.simulate.world import simulate
from recsys.store import articles
from recsys.store.database import open_database

GOAL = 3_000
DATA = Path(__file__).parents[2] / "shared" / "data"
_ARTICLES = 10_000


def stored_per_second(frame: pl.DataFrame) -> float:
    """Return the rate of storing `frame` in an empty SQLite database."""

    def store() -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            closing(open_database(f"sqlite:///{folder}/x.db")) as database,
            database.write() as connection,
        ):
            articles.upsert(connection, frame)

    return frame.height / best_seconds(store, 2)


def texts(data: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the language and the articles of each data set that is there."""
    danish = data / "ebnerd-demo" / "articles.parquet"
    if danish.exists():
        yield "da", pl.read_parquet(danish).select(title="title", abstract="subtitle")
    for name in ("mind-sample", "nemig-en"):
        if (english := data / name / "news.jsonl").exists():
            yield "en", pl.read_ndjson(english).select("title", "abstract")


def main() -> None:
    """Print the rates with the goal, and the answers."""
    parser = argparse.ArgumentParser(description="detection of languages")
    parser.add_argument("--data", type=Path, default=DATA)
    given = parser.parse_args()
    made = conform(simulate(readers=1, articles=_ARTICLES, days=1).articles, ARTICLES)
    unknown = made.with_columns(language=pl.lit(None, dtype=pl.String))
    detect_languages(unknown.head(1))  # loads the model
    print(f"{made.height:,} articles with a language: {stored_per_second(made):,.0f}/s")
    print(f"without: {stored_per_second(unknown):,.0f}/s (goal ≥ {GOAL:,}/s)")
    for language, found in texts(given.data):
        whole = found.with_columns(body=pl.lit(None, dtype=pl.String))
        for name, frame in (
            ("titles", whole.with_columns(abstract=pl.lit(None, dtype=pl.String))),
            ("titles and abstracts", whole),
        ):
            answers = detect_languages(frame)
            right, none = int((answers == language).sum()), answers.null_count()
            wrong = frame.height - right - none
            print(
                f"{frame.height:,} {name} in {language}: right {right / frame.height:.1%}, "
                f"none {none / frame.height:.1%}, wrong {wrong} ({wrong / frame.height:.2%})"
            )


if __name__ == "__main__":
    main()
