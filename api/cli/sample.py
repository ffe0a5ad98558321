"""`attune sample`."""

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from recsys.errors import ConfigError

_NAMES = ("articles.jsonl", "events.jsonl", "impressions.jsonl")
_TIMES = ("at", "published_at")


def sample(
    folder: Annotated[Path, typer.Argument(help="Folder for the files; it is created if missing.")],
) -> None:
    """Copy small sample files (articles, events, impressions) into a folder, and print the next commands."""
    existing = [str(folder / name) for name in _NAMES if (folder / name).exists()]
    if existing:
        raise ConfigError(f"{', '.join(existing)} exists already: choose another folder, or delete it first")
    texts = {name: (files("ingest") / "sample_data" / name).read_text(encoding="utf-8") for name in _NAMES}
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    shift = midnight - _end(texts["impressions.jsonl"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(_moved(text, shift), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error}") from error
    counts = ", ".join(f"{text.count(chr(10))} {name.removesuffix('.jsonl')}" for name, text in texts.items())
    typer.echo(f"{counts} of a simulated newsroom are in {folder}; the last day ended at the last midnight (UTC).")
    typer.echo("Next:")
    typer.echo(f"  attune ingest jsonl {' '.join(str(folder / name) for name in _NAMES)}")
    typer.echo(f"  attune train --until {midnight - timedelta(days=1):%Y-%m-%dT%H:%M}")
    typer.echo("  attune evaluate")


def _end(impressions: str) -> datetime:
    """Return the midnight after the newest impression."""
    newest = max(json.loads(line)["at"] for line in impressions.splitlines())
    day = datetime.strptime(newest[:10], "%Y-%m-%d").replace(tzinfo=UTC)
    return day + timedelta(days=1)


def _moved(text: str, shift: timedelta) -> str:
    """Return the rows of a file with all times moved by a whole number of days."""
    lines = []
    for line in text.splitlines():
        row = json.loads(line)
        for field in _TIMES:
            if field in row:
                row[field] = f"{datetime.fromisoformat(row[field]) + shift:%Y-%m-%dT%H:%M:%SZ}"
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)
