"""`attune report`: one HTML file about an evaluation, a trial or a week."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import DatabaseUrl, Home, moment, require_writable, settings_from
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from api.cli.report_page import Report
    from recsys.settings import Settings

app = typer.Typer(
    help="Reports for people who do not know the metrics: one HTML file each, with charts, without scripts.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Option("--out", help="HTML file to write.", show_default=False)]
Pdf = Annotated[
    Path | None,
    typer.Option("--pdf", help="Also write this PDF file; needs Chromium or Chrome.", show_default=False),
]


@app.command()
def evaluation(
    out: Out,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="File that `attune evaluate --json` wrote; default: evaluate the active bundle."
        ),
    ] = None,
    pdf: Pdf = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Report how well the ranking finds what readers open, against simple lists."""
    _require(out, pdf)
    from api.cli.evaluation_document import evaluation_report, read_result

    result = _evaluated(settings_from(database_url, home)) if source is None else read_result(source)
    _write(evaluation_report(result), out, pdf)


@app.command()
def trial(out: Out, pdf: Pdf = None, database_url: DatabaseUrl = None) -> None:
    """Report the newest trial: the readers of the challenger against the readers of the active bundle."""
    _require(out, pdf)
    from api.application.iso_time import to_iso
    from api.cli.trial_document import TrialData, newest_trial, trial_report
    from recsys.labels.label_rule import LabelRule
    from recsys.store import audit_log, experiments
    from recsys.store.database import opened, without_timeout
    from recsys.store.experiments import DAYS_BEFORE

    settings = settings_from(database_url, None)
    with (
        opened(settings.database_url) as database,
        database.read() as connection,
        without_timeout(connection),
    ):
        found = newest_trial(audit_log.trials(connection))
        longest = LabelRule().longest
        data = TrialData(
            experiments.outcomes(connection, found.start, longest, found.end),
            experiments.shadow_outcomes(connection, found.start),
            experiments.reading_before(connection, found.start, DAYS_BEFORE, longest),
        )
    until = "until now" if found.end is None else f"to {to_iso(found.end)[:16]} UTC"
    _write(trial_report(found, data, f"from {to_iso(found.start)[:16]} {until}"), out, pdf)


@app.command()
def week(
    out: Out,
    until: Annotated[
        str | None,
        typer.Option("--until", help="End of the last of the seven days (ISO 8601); default: today."),
    ] = None,
    pdf: Pdf = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Report seven days of the log: lists, opened articles, reading, top articles and sections."""
    _require(out, pdf)
    import time

    from api.cli.week_document import load_week, week_report
    from recsys.store.database import opened, without_timeout

    now, end = time.time_ns() // 1_000, moment(until, "--until")
    settings = settings_from(database_url, None)
    with (
        opened(settings.database_url) as database,
        database.read() as connection,
        without_timeout(connection),
    ):
        found = load_week(connection, now if end is None else end, now)
    _write(week_report(found), out, pdf)


def _evaluated(settings: "Settings") -> dict[str, Any]:
    """Evaluate the active bundle, as `attune evaluate` does without options."""
    from api.cli.evaluate import default_result
    from recsys.encoder.lazy import LazyEncoder
    from recsys.evaluation.off_policy.feed_replay import Target
    from recsys.models.model_loader import load_bundle
    from recsys.store.database import opened

    encoder = LazyEncoder(settings)
    system = load_bundle(settings.home, encoder.name)
    with opened(settings.database_url) as database:
        return default_result(database, Target(system, settings, encoder))


def _require(out: Path, pdf: Path | None) -> None:
    """Check before the work that the files can be written.

    Raises:
        ConfigError: a file is not writable, matplotlib is missing, or --pdf is given without a browser.
    """
    from api.cli.chromium import require_browser
    from api.cli.report_charts import require_matplotlib

    for file in (out, pdf):
        require_writable(file)
    require_matplotlib("attune report")
    if pdf is not None:
        require_browser("--pdf")


def _write(report: "Report", out: Path, pdf: Path | None) -> None:
    from api.cli.chromium import print_page, require_browser
    from api.cli.report_page import render

    out.write_text(render(report), encoding="utf-8")
    typer.echo(f"{report.verdict}\nreport: {out}")
    if pdf is not None:
        if not print_page(require_browser("--pdf"), out, pdf):
            raise ConfigError(f"the browser wrote no PDF: open {out} in a browser and print it, or omit --pdf")
        typer.echo(f"report: {pdf}")
