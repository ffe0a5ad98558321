"""Generator of the sample files: `python -m ingest.sample_data.make`. The same seed gives the same bytes."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from recsys.simulate.world import simulate

READERS, ARTICLES, DAYS, SEED = 68, 300, 8, 7
START = datetime(2026, 1, 5, tzinfo=UTC)
FOLDER = Path(__file__).parent

_ARTICLE = ("id", "title", "abstract", "category", "subcategory", "source", "published_at", "word_count")
_EVENT = ("reader", "kind", "article", "at", "value", "request_id")
_IMPRESSION = ("id", "reader", "at", "candidates", "ordered")
_TIMES = ("at", "published_at")
_IDS = ("id", "reader", "article", "request_id")


def main() -> None:
    """Simulate the newsroom and write one file per kind of rows."""
    world = simulate(readers=READERS, articles=ARTICLES, days=DAYS, seed=SEED, start=START)
    events = [row for row in world.events.to_dicts() if row["kind"] != "scroll"]
    _write("articles", world.articles.to_dicts(), _ARTICLE)
    _write("events", events, _EVENT)
    _write("impressions", world.slates.to_dicts(), _IMPRESSION)


def _write(name: str, rows: Iterable[Mapping[str, object]], fields: Iterable[str]) -> None:
    lines = []
    for row in rows:
        content = {field: _short(field, row[field]) for field in fields if row[field] is not None}
        lines.append(json.dumps(content, ensure_ascii=False) + "\n")
    (FOLDER / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def _short(field: str, value: object) -> object:
    """Return times as ISO 8601 to the second, ids without leading zeros, and other values unchanged."""
    if field in _TIMES and isinstance(value, int):
        return f"{datetime.fromtimestamp(value // 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"
    if field in _IDS and isinstance(value, str):
        return f"{value[0]}{int(value[1:])}"
    if field == "candidates" and isinstance(value, list):
        return [_short("id", each) for each in value]
    return value


if __name__ == "__main__":
    main()
