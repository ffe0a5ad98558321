"""`attune demo`."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its database and bundle.")] = Path("var/demo"),
    readers: Annotated[int, typer.Option(min=20, help="How many readers to simulate.")] = 800,
    articles: Annotated[int, typer.Option(min=200, help="How many articles to simulate.")] = 2_200,
    days: Annotated[int, typer.Option(min=3, help="How many days to simulate.")] = 14,
) -> None:
    """Simulate a newsroom, train, evaluate on the last day, and print a reader's feed and why."""
    from api.cli.demo_run import Demonstration

    Demonstration(folder, readers, articles, days).run()
