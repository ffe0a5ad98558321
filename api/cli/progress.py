"""Progress on a terminal: one bar per stage."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from recsys.training.training_run import Progress as ProgressCallback

console = Console(stderr=True)


@contextmanager
def bars() -> Iterator[ProgressCallback]:
    """Yield a callback `(stage, done, total)` that draws a bar per stage, or prints stages without a terminal."""
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
