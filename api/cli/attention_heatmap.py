"""Heat maps of `attune attention profile`: one panel per statistic, layers as rows, heads as columns."""

from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.report_charts import require_matplotlib
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from recsys.calibration.normal_profile import Profile

SUFFIXES = (".png", ".svg")


def require_plottable(file: Path | None, option: str = "--plot") -> None:
    """Check before the work that `file`, the value of `option`, can be drawn.

    Raises:
        ConfigError: the file is neither PNG nor SVG, or matplotlib is missing.
    """
    if file is None:
        return
    if file.suffix not in SUFFIXES:
        raise ConfigError(f"{option} {file} must end in {' or '.join(SUFFIXES)}")
    require_matplotlib(option)


def save_heatmap(profile: "Profile", title: str, file: Path) -> None:
    """Draw the mean of every statistic of every head over all texts."""
    from matplotlib.figure import Figure

    from recsys.calibration.attention_statistics import HEAD

    mean = profile.pooled().mean[0]
    figure = Figure(figsize=(3.2 * len(HEAD), 3.0), layout="constrained")
    figure.suptitle(title)
    for place, (name, axes) in enumerate(zip(HEAD, figure.subplots(1, len(HEAD)), strict=True)):
        image = axes.imshow(mean[..., place], cmap="viridis", aspect="auto", vmin=0.0)
        axes.set(title=name, xlabel="head", ylabel="layer")
        figure.colorbar(image, ax=axes)
    figure.savefig(file, dpi=150)
