"""`attune demo`."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[Path, typer.Option(help="Folder of the demo's database and bundle.")] = Path("var/demo"),
    readers: Annotated[int, typer.Option(min=20, help="Number of simulated readers.")] = 800,
    articles: Annotated[int, typer.Option(min=200, help="Number of simulated articles.")] = 2_200,
    days: Annotated[int, typer.Option(min=3, help="Number of simulated days.")] = 14,
) -> None:
    """Simulate a newsroom, train, evaluate on the last day, and print a reader's feed with explanations."""
    from api.cli.demo_run import Demonstration

    Demonstration(folder, readers, articles, days).run()
