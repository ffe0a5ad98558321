"""Progress on a terminal: one bar a stage."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from recsys.training.training_run import Progress as Told

console = Console(stderr=True)


@contextmanager
def bars() -> Iterator[Told]:
    """A callback `(stage, done, total)` that draws a bar for each stage; into a pipe it prints each stage once."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        stages: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int | None) -> None:
            name, _, detail = stage.partition(":")
            if name not in stages:
                stages[name] = progress.add_task(name, total=total)
                if not console.is_terminal:
                    console.print(f"{name} …")
            progress.update(stages[name], completed=done, total=total, description=f"{name}{detail}")

        yield report
