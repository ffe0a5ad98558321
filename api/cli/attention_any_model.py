"""`attune attention calibrate` and `attune attention tasks`: models of other tasks than a feed."""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import require_writable
from recsys.errors import ConfigError


class Task(StrEnum):
    """Tasks of a user's own model."""

    TEXT_CLASSIFICATION = "text-classification"


def calibrate(
    model: Annotated[
        Path, typer.Option(help="Folder of a transformers model: a sequence classifier or an encoder.")
    ],
    task: Annotated[Task, typer.Option(help="Task of the model.")],
    data: Annotated[Path, typer.Option(help="CSV or JSON lines with `text` and `label`.")],
    out: Annotated[Path, typer.Option(help="Folder to write the calibration to.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the splits and of the damage.")] = 0,
) -> None:
    """Calibrate the attention of your own model, on damage made from your data, and keep it only if it helps."""
    from recsys.calibration.model_calibrator_files import save_model_calibrator
    from recsys.experiments.attention_tasks.run_tasks import measure, summary
    from recsys.training.calibration.text_classification import TextClassification, read_texts

    if not model.is_dir():
        raise ConfigError(f"{model} is not a folder: give the folder of a transformers model")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file: give a folder")
    require_writable(out.resolve().parent / "calibration.json")
    texts, labels = read_texts(data)
    work = TextClassification(str(model), texts, labels, seed)
    measured = measure(work, seed)
    kinds = {"trained": list(work.trained_kinds), "held_out": list(work.held_out_kinds)}
    found = {task.value: summary([measured], kinds, seconds=0.0)}
    save_model_calibrator(measured.calibrator, out, task=task.value, measured=found[task.value])
    _print(found)
    typer.echo(f"calibration: {out}")


def tasks(
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="digits, scenes, control, speech, translation, headlines or summaries; repeat for several; "
            "default: all whose data is there."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=50, help="Trainings of each network.")] = 5,
    headlines: Annotated[
        Path | None, typer.Option(help="CSV or JSON lines with `text` and `label`, for the task headlines.")
    ] = None,
    meetings: Annotated[
        Path | None, typer.Option(help="Annotated meetings as QMSum publishes them, for the task summaries.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a report to this file.")] = None,
) -> None:
    """Train small models of other tasks, damage their inputs, and measure what calibrated attention wins back."""
    from api.cli.progress import bars
    from recsys.experiments.attention_tasks.catalogue import HEADLINES, SUMMARIES, report, run_tasks

    for file in (json_file, html_file):
        require_writable(file)
    with bars() as progress:
        found = run_tasks(task or [], seeds, {HEADLINES: headlines, SUMMARIES: meetings}, progress)
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2))
    if html_file is not None:
        html_file.write_text(report(found))
    _print(found)


def _print(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Print one block a task: the table has too many columns for a terminal."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from recsys.experiments.attention_tasks.catalogue import HEADER, rows

    table = Table(title="calibrated attention", box=SIMPLE)
    cells = rows(found)
    table.add_column("")
    for row in cells:
        table.add_column(row[0], justify="right", overflow="fold")
    for number, name in enumerate(HEADER[1:], start=1):
        table.add_row(name, *(row[number] for row in cells))
    Console().print(table)
