"""`attune attention explain ARTICLE`."""

from collections.abc import Mapping
from typing import Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

_LEGEND = (
    "changes: distance of the vector (1 − cosine) without the word; gets: attention it receives, 1 is an even\n"
    "share; anomalous: probability that the word does not belong there, by the detector of the bundle"
)


def print_article(found: Mapping[str, Any]) -> None:
    """Print a table of the words, in order."""
    table = Table(title=f"{found['text']} ({found['article']})", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("word", no_wrap=True)
    for name in ("changes", "gets", "anomalous"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for word in found["words"]:
        anomalous = "–" if word["probability"] is None else f"{word['probability']:.2f}"
        table.add_row(word["word"], f"{word['change']:.3f}", f"{word['received']:.2f}", anomalous, word["verdict"])
    Console().print(table)
    typer.echo(_LEGEND)
    abstract = found["abstract"]
    if abstract is not None:
        weight = "" if abstract["weight"] is None else f", weight {abstract['weight']:.2f}"
        typer.echo(f"abstract: cosine {abstract['cosine']:.2f} with the headline{weight}")
