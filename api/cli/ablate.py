"""`attune ablate`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, moment, require_writable, settings_from


def ablate(
    until: Annotated[
        str | None, typer.Option(help="Test on the days before this time (ISO 8601, UTC); default: the end.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    svg_file: Annotated[Path | None, typer.Option("--svg", help="Write a plot to this file.")] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Train without one family of features at a time, and test on days that were not used for training."""
    from dataclasses import replace

    from api.cli.attention_heatmap import require_plottable
    from api.cli.progress import bars
    from recsys.evaluation.html_tables import interval
    from recsys.ranking.lambdamart import LambdaMartConfig
    from recsys.store.database import open_database
    from recsys.training.feature_ablation import RATE, ablate_families
    from recsys.training.feature_ablation_plot import save_ablation_plot

    require_plottable(svg_file, "--svg")
    for file in (json_file, svg_file):
        require_writable(file)
    settings = settings_from(database_url, home)
    config = replace(LambdaMartConfig(seed=settings.seed), learning_rate=RATE)
    with bars() as progress:
        found = ablate_families(open_database(settings.database_url), moment(until, "--until"), config, progress)
    about = f"{sum(found['folds'])} impressions of {found['readers']} readers on {len(found['folds'])} days"
    typer.echo(about)
    for name, row in found["rows"].items():
        auc, difference = (interval(**each) for each in (row["auc"], row["difference"]["difference"]))
        typer.echo(f"{name:22} AUC {auc}, nDCG@10 {row['ndcg@10']['mean']:.4f}, to all {difference}")
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2))
    if svg_file is not None:
        save_ablation_plot(found["rows"], about, svg_file)
