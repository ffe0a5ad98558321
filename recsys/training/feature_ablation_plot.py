"""Chart of the AUC lost without each family of features, with 95% intervals."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def save_ablation_plot(rows: Mapping[str, Any], about: str, file: Path) -> None:
    """Draw the rows of `ablate_families` to a PNG or SVG file, except the first, which is the reference.

    Needs matplotlib, the extra `plot`.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    differences = [(name, row["difference"]["difference"]) for name, row in list(rows.items())[1:]]
    differences.sort(key=lambda each: -float(each[1]["mean"]))  # bars are drawn from the bottom
    names = [name for name, _ in differences]
    lost = [-found["mean"] for _, found in differences]
    below = [found["high"] - found["mean"] for _, found in differences]
    above = [found["mean"] - found["low"] for _, found in differences]
    with rc_context({"svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(figsize=(7.0, 1.0 + 0.3 * len(names)), layout="constrained")
        axes = figure.subplots()
        axes.barh(names, lost, xerr=[below, above], color="#7aa6c2", ecolor="#333333", capsize=2)
        axes.axvline(0.0, color="#333333", linewidth=0.8)
        figure.suptitle(f"AUC lost, 95% interval: {about}", fontsize="medium")
        axes.set_xlabel("AUC with all families − AUC without one")
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(file, dpi=150)
