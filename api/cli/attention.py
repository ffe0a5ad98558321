"""`attune attention …`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.cli.attention_ablate import ablate
from api.cli.attention_any_model import calibrate, tasks
from api.cli.attention_boilerplate import boilerplate
from api.cli.attention_explain import explain
from api.cli.attention_monitor import monitor
from api.cli.attention_profile import profile
from api.cli.options import Body, DatabaseUrl, Home, Ray, TokenBudget, require_writable, settings_from

app = typer.Typer(
    help="Calibrated attention: results of the detectors, and effect on ranking.", no_args_is_help=True
)


@app.callback()
def attention() -> None:
    """Calibrated attention: results of the detectors, and effect on ranking."""


app.command()(profile)
app.command()(boilerplate)
app.command()(explain)
app.command()(monitor)
app.command()(ablate)
app.command()(calibrate)
app.command()(tasks)


@app.command()
def evaluate(
    seeds: Annotated[int, typer.Option(min=1, max=50, help="Draws of damage to average over.")] = 5,
    slates: Annotated[int, typer.Option(min=1, help="Rank at most this many of the newest impressions.")] = 1_000,
    titles_only: Annotated[
        bool, typer.Option("--titles-only", help="Encode titles without their categories.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a report to this file.")] = None,
    body: Body = None,
    token_budget: TokenBudget = None,
    ray: Ray = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Damage titles on purpose, and measure whether the detectors find it and calibration repairs the ranking."""
    from api.cli.attention_table import detection_table, history_table, robustness_table, topics_table
    from api.cli.progress import bars
    from recsys.experiments.attention_report import report
    from recsys.experiments.evaluate_attention import evaluate_attention
    from recsys.store.database import open_database

    for file in (json_file, html_file):
        require_writable(file)
    settings = settings_from(database_url, home, body, token_budget, ray=ray)
    with bars() as progress:
        database = open_database(settings.database_url)
        result = evaluate_attention(database, settings, seeds, slates, progress, titles_only)
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=2))
    if html_file is not None:
        html_file.write_text(report(result))
    detection_table(result["detection"])
    topics_table(result["topics"])
    robustness_table(result["robustness"])
    history_table(result["history"])
