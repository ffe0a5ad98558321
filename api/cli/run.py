"""`attune run`."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr

from api.cli.options import HIGHEST_PORT, DatabaseUrl, Home, settings_from
from api.cli.serve import Host, Port, Workers
from recsys.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.cli.process_tree import Command
    from api.cli.training_schedule import Training
    from recsys.settings import Settings

_TRAINING_NICE = 10
"""Niceness of a training: readers do not wait for it."""

_HOUR_SECONDS = 3_600.0


def run(
    port: Port = 8000,
    host: Host = "127.0.0.1",
    workers: Workers = 1,
    train: Annotated[
        str | None,
        typer.Option(
            "--train",
            help="Times of trainings in UTC, as a cron expression; empty: never  [env: ATTUNE_TRAIN_SCHEDULE]",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[int, typer.Option(min=1, help="Number of newest bundles to keep after a training.")] = 7,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Run the service, too; or only the scheduled jobs.")
    ] = True,
    poll: Annotated[
        bool, typer.Option("--poll/--no-poll", help="Read the sources that `attune ingest feed` added, too.")
    ] = True,
    webhooks: Annotated[
        bool, typer.Option("--webhooks/--no-webhooks", help="Deliver the messages of `attune webhooks`, too.")
    ] = True,
    consume: Annotated[
        list[str] | None,
        typer.Option(
            "--consume",
            help="URL of a topic to consume, as in `attune consume`; repeat for several; empty: none  "
            "[env: ATTUNE_CONSUME]",
            show_default=False,
        ),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            min=1,
            max=HIGHEST_PORT,
            help="Port of 127.0.0.1 for /metrics of the first consumer; each other one has the next port.",
        ),
    ] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Run all that a publisher needs as one process tree: service, sources, streams, webhooks, trainings.

    SIGTERM and Ctrl-C stop all parts.
    """
    import asyncio

    from api import worker
    from api.http import logging_setup

    settings = settings_from(database_url, home)
    training = _training(settings, train, keep)
    service = ("serve", "--port", str(port), "--host", host, "--workers", str(workers))
    kept = [_attune("service", *service)] if serve else []
    if poll:
        kept.append(_attune("poller", "poll", logged=True))
    if webhooks:
        kept.append(_attune("webhooks", "webhooks", "deliver", logged=True))
    kept += _consumers(settings, consume, metrics_port)
    if not kept and training is None:
        raise ConfigError(
            "there is nothing to run: omit --no-serve, --no-poll or --no-webhooks, or set --train or --consume"
        )
    worker.export_settings_to_env(settings)
    logging_setup.configure(settings.log_format)
    failure = asyncio.run(_until_signal(kept, training))
    if failure is not None:
        raise ConfigError(failure)


def _training(settings: "Settings", chosen: str | None, keep: int) -> "Training | None":
    """Return the scheduled training; None without a schedule.

    Raises:
        ConfigError: the schedule is not valid.
    """
    from api.cli.training_schedule import CronTimes, Training

    source = "ATTUNE_TRAIN_SCHEDULE" if chosen is None else "--train"
    expression = settings.train_schedule if chosen is None else chosen
    if not expression.strip():
        return None
    steps = (
        _attune("training", "train", logged=True, nice=_TRAINING_NICE),
        _attune("pruning", "models", "prune", "--keep", str(keep), logged=True),
    )
    return Training(
        CronTimes.parse(expression, source),
        steps,
        settings.train_hours * _HOUR_SECONDS,
        partial(_report_failure, settings),
    )


def _report_failure(settings: "Settings", reason: str) -> None:
    """Notify webhooks of a failed training. The schedule goes on if the database is unavailable, too."""
    import logging

    from api.application.context import opened_application
    from api.application.webhook_admin import training_failed

    try:
        with opened_application(settings) as app:
            training_failed(app, reason)
    except StoreError as error:
        logging.getLogger(__name__).error("webhooks are not notified of the failed training: %s", error)


def _consumers(settings: "Settings", chosen: "Sequence[str] | None", metrics_port: int | None) -> "list[Command]":
    """Return a consumer for each topic. Its URL is in its environment, because arguments are public.

    metrics_port: port of the metrics of the first one; None serves none.

    Raises:
        ConfigError: a URL is wrong, the library of its broker is missing, or the consumers are none or more than
            the ports.
    """
    source = "ATTUNE_CONSUME" if chosen is None else "--consume"
    if chosen is not None:
        settings = settings.model_copy(update={"consume": SecretStr(",".join(chosen))})
    urls = settings.consume_urls
    if not urls:
        if metrics_port is None:
            return []
        raise ConfigError(
            "--metrics-port is for consumers, and there is none: set --consume or ATTUNE_CONSUME, or omit it"
        )
    from api.streams.consumed_topics import consumed_topics

    addresses = consumed_topics(urls, source)
    last_port = (metrics_port or 0) + len(addresses) - 1
    if last_port > HIGHEST_PORT:
        raise ConfigError(f"--metrics-port: a consumer would have port {last_port}: choose a lower one")
    commands = []
    for number, (address, url) in enumerate(zip(addresses, urls, strict=True)):
        metrics = () if metrics_port is None else ("--metrics-port", str(metrics_port + number))
        command = _attune(f"consumer of {address.shown}", "consume", *metrics, logged=True)
        commands.append(replace(command, variables={"ATTUNE_CONSUME": url}))
    return commands


def _attune(name: str, *arguments: str, logged: bool = False, nice: int = 0) -> "Command":
    import sys

    from api.cli.process_tree import Command

    return Command(name, (sys.executable, "-m", "api.cli", *arguments), logged, nice)


async def _until_signal(kept: "list[Command]", training: "Training | None") -> str | None:
    """Run all parts until SIGTERM or SIGINT; return why they ended without it, or None."""
    import asyncio
    import signal

    from api.cli.process_tree import ProcessTree
    from api.cli.training_schedule import train_on_schedule

    tree = ProcessTree()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, tree.stop)
    async with asyncio.TaskGroup() as group:
        for command in kept:
            group.create_task(tree.keep_running(command))
        if training is not None:
            group.create_task(train_on_schedule(tree, training))
    return tree.failure
