"""How long work tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Told of every step; `total` is None while it is not known."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """`stage` names the work, `done` of `total` steps are through."""
        ...


def silent(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""
