"""Command `attune`: one file per command; heavy imports stay inside the commands, so that `--help` is fast."""

import sys

import typer

from api.cli import (
    ablate,
    adapt,
    article_commands,
    attention,
    audit,
    config,
    demo,
    erase,
    evaluate,
    index,
    ingest,
    keys,
    log_commands,
    migrate,
    minutes,
    models,
    newsletters,
    poll,
    rank,
    report_commands,
    rule_commands,
    run,
    run_commands,
    sample,
    serve,
    simulate,
    stream_commands,
    train,
    webhook_commands,
)
from api.cli.openmp import share_cores
from recsys.errors import AttuneError

app = typer.Typer(
    name="attune",
    help="A personalized news feed that respects its readers' attention.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(ingest.app, name="ingest")
app.add_typer(article_commands.app, name="articles")
app.add_typer(index.app, name="index")
app.add_typer(attention.app, name="attention")
app.add_typer(models.app, name="models")
app.add_typer(run_commands.app, name="experiments")
app.add_typer(report_commands.app, name="report")
app.add_typer(minutes.app, name="minutes")
app.add_typer(keys.app, name="keys")
app.add_typer(rule_commands.app, name="rules")
app.add_typer(webhook_commands.app, name="webhooks")
app.add_typer(log_commands.app, name="log")
app.command("audit")(audit.audit)
app.command("erase")(erase.erase)
app.command("demo")(demo.demo)
app.command("digest")(newsletters.digest)
app.command("adapt")(adapt.adapt)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("ablate")(ablate.ablate)
app.command("poll")(poll.poll)
app.command("consume")(stream_commands.consume)
app.command("publish")(stream_commands.publish)
app.command("rank")(rank.rank)
app.command("serve")(serve.serve)
app.command("run")(run.run)
app.command("migrate")(migrate.migrate)
app.command("sample")(sample.sample)
app.command("simulate")(simulate.simulate)
app.command("config")(config.config)


def main() -> None:
    """Run a command; errors that Attune raises on purpose print one line on stderr and exit with status 1."""
    share_cores()
    try:
        app()
    except AttuneError as error:
        typer.secho(f"attune: {' '.join(str(error).split())}", fg="red", err=True)
        sys.exit(1)
