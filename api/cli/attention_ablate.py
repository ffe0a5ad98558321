"""`attune attention ablate`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, moment, require_writable, settings_from


def ablate(
    start: Annotated[str | None, typer.Option("--from", help="Default: the bundle's cut-off.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Default: the end of the log.")] = None,
    bundle: Annotated[str | None, typer.Option(help="Version; default: the active one.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    in_sample: Annotated[bool, typer.Option(help="Allow replay of the training data of the bundle.")] = False,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Replay logged slates without calibration, with each part of it, and with all parts."""
    from api.cli.attention_table import ablation_table
    from api.cli.progress import bars
    from recsys.encoder.lazy import LazyEncoder
    from recsys.evaluation.run_evaluation import choose_window
    from recsys.experiments.calibration_ablation import ablate as run
    from recsys.models.model_loader import load_bundle
    from recsys.store.database import open_database

    require_writable(json_file)
    settings = settings_from(database_url, home)
    encoder = LazyEncoder(settings)
    system = load_bundle(settings.home, encoder.name, bundle)
    database = open_database(settings.database_url)
    window = choose_window(database, system, moment(start, "--from"), moment(end, "--to"), in_sample)
    with bars() as progress:
        result = run(database, encoder, system, window, progress)
    ablation_table(result)
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=2))
        typer.echo(f"figures: {json_file}")
