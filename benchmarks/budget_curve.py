"""Curve of the token budget: saved time against cosine to the full reading."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Point(Protocol):
    """A way of reading."""

    @property
    def name(self) -> str:
        """Return its name."""
        ...

    @property
    def speed(self) -> float:
        """Return its articles per second over those of the full reading."""
        ...

    @property
    def cosine(self) -> float:
        """Return its mean cosine to the full reading."""
        ...


def draw(points: Sequence[Point], path: Path) -> None:
    """Write the curve as SVG: budgets as a line, controls as labelled points."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "attune"  # the same file for the same figures
    picture = Figure(figsize=(7.5, 4.5))
    axes = picture.subplots()
    budgets = [point for point in points if point.name.endswith("half the layers")]
    axes.plot([point.speed for point in budgets], [point.cosine for point in budgets], "o-", label="token budget")
    for point in points:
        if point not in budgets:
            axes.plot(point.speed, point.cosine, "x", color="grey")
        label = point.name.removesuffix(" tokens after half the layers")
        axes.annotate(label, (point.speed, point.cosine), xytext=(4, 4), textcoords="offset points", fontsize=7)
    axes.set_xlabel("articles per second, over the full reading")
    axes.set_ylabel("cosine to the full reading")
    axes.legend(loc="lower left")
    picture.savefig(path, metadata={"Date": None})
