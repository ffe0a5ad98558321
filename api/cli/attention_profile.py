"""`attune attention profile`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.attention_heatmap import require_plottable, save_heatmap
from api.cli.options import DatabaseUrl, Home, require_writable, settings_from

if TYPE_CHECKING:
    from recsys.calibration.normal_profile import Profile


def profile(
    articles: Annotated[int, typer.Option(min=1, help="Encode at most this many random articles.")] = 1_000,
    plot: Annotated[Path | None, typer.Option(help="Draw a heat map of all heads to this .png or .svg.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all statistics to this file.")] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Measure the attention of every head and layer while the encoder reads articles, by length of text."""
    from api.cli.attention_table import lengths_table, profile_table
    from api.cli.progress import bars
    from recsys.encoder.lazy import LazyEncoder
    from recsys.store.database import open_database
    from recsys.training.calibration.profiling import profile_articles

    for file in (plot, json_file):
        require_writable(file)
    require_plottable(plot)
    settings = settings_from(database_url, home)
    encoder = LazyEncoder(settings).loaded()
    with bars() as progress:
        found = profile_articles(open_database(settings.database_url), encoder, articles, settings.seed, progress)
    profile_table(found)
    lengths_table(found)
    if json_file is not None:
        json_file.write_text(json.dumps(_figures(found), indent=2))
        typer.echo(f"figures: {json_file}")
    if plot is not None:
        save_heatmap(found, f"{settings.encoder}: attention in {found.texts} articles", plot)
        typer.echo(f"heat map: {plot}")


def _figures(profile: "Profile") -> dict[str, Any]:
    """Return the statistics by bucket of text length; means, deviations and variances are [layers][heads]."""
    from recsys.calibration import normal_profile as buckets
    from recsys.calibration.attention_statistics import HEAD

    variance = profile.variance()
    return {
        buckets.label(bucket): {
            "texts": int(profile.count[bucket]),
            **{
                name: {
                    "mean": profile.mean[bucket, ..., place].tolist(),
                    "std": (variance[bucket, ..., place] ** 0.5).tolist(),
                    "variance": variance[bucket, ..., place].tolist(),
                }
                for place, name in enumerate(HEAD)
            },
        }
        for bucket in range(buckets.COUNT)
        if profile.count[bucket]
    }
