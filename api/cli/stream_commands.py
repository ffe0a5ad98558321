"""`attune consume` and `attune publish`: streams of a message broker."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.options import HIGHEST_PORT, DatabaseUrl, Home, settings_from

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from api.application.context import Application
    from api.streams.broker_address import BrokerAddress
    from api.streams.stream_consumer import ConsumerCounts, ConsumerOptions

_PUBLISH_TOPIC = "attune.log"

_URL_HELP = "Broker: nats://, redis://, amqp:// or kafka://HOST:PORT, with ?topic= and ?group="
Batch = Annotated[int, typer.Option("--batch", min=1, max=10_000, help="Most messages of one transaction.")]


def consume(
    url: Annotated[
        str | None, typer.Argument(help=f"{_URL_HELP}  [env: ATTUNE_CONSUME]", show_default=False)
    ] = None,
    topic: Annotated[
        str | None, typer.Option("--topic", help="Subject, stream, queue or topic (attune.ingest).")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="Consumer group, which has one position (attune).")
    ] = None,
    what: Annotated[
        Literal["events", "articles", "impressions"] | None,
        typer.Option("--what", help="Kind of all rows; by default each message says it."),
    ] = None,
    dead_letters: Annotated[
        str | None, typer.Option("--dead-letters", help="Topic for rows that are not stored (TOPIC.rejected).")
    ] = None,
    batch: Batch = 1_000,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="Exit when no message waits.")] = False,
    metrics_port: Annotated[
        int | None, typer.Option("--metrics-port", min=1, max=HIGHEST_PORT, help="Port of 127.0.0.1 for /metrics.")
    ] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Store events, articles and impressions of a stream, each once, until SIGTERM.

    Rows with errors become dead letters.
    """
    from api.application.context import opened_application
    from api.streams.broker_address import parse_address
    from api.streams.consumed_topics import CONSUME_TOPIC, only_url
    from api.streams.stream_consumer import ConsumerOptions

    settings = settings_from(database_url, home)
    chosen = only_url(settings.consume_urls) if url is None else url
    address = parse_address(chosen, topic=topic, group=group, default_topic=CONSUME_TOPIC)
    options = ConsumerOptions(
        source=address.shown,
        dead_letters=dead_letters or f"{address.topic}.rejected",
        kind=what,
        batch=batch,
        until_empty=until_empty,
    )
    with opened_application(settings) as app:
        _consume(app, address, options, metrics_port)


def _consume(
    app: "Application", address: "BrokerAddress", options: "ConsumerOptions", metrics_port: int | None
) -> None:
    import prometheus_client

    from api.http import logging_setup
    from api.streams.broker_adapters import broker_at
    from api.streams.stream_consumer import StreamConsumer
    from api.streams.stream_metrics import StreamMetrics

    registry = prometheus_client.CollectorRegistry()
    broker = broker_at(address, options.batch)
    consumer = StreamConsumer(app, broker, options, StreamMetrics(registry), _print_counts)
    logging_setup.configure(app.settings.log_format)
    if metrics_port is not None:
        prometheus_client.start_http_server(metrics_port, "127.0.0.1", registry)
    typer.echo(f"consuming {address.shown} as {address.group}; stop with SIGTERM or Ctrl-C")
    app.writer.start()
    try:
        _until_signal(consumer.run)
    finally:
        app.writer.stop()


def publish(
    url: Annotated[str, typer.Argument(help=f"{_URL_HELP}.")],
    topic: Annotated[
        str | None, typer.Option("--topic", help=f"Subject, stream, queue or topic ({_PUBLISH_TOPIC}).")
    ] = None,
    batch: Batch = 1_000,
    once: Annotated[bool, typer.Option("--once", help="Send the rows that wait, and exit.")] = False,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Send stored events and slates to a topic as CloudEvents, in the order of the log, until SIGTERM."""
    from api.application.context import opened_application
    from api.http import logging_setup
    from api.streams.broker_adapters import broker_at
    from api.streams.broker_address import parse_address
    from api.streams.log_publisher import LogPublisher, PublisherOptions

    address = parse_address(url, topic=topic, group=None, default_topic=_PUBLISH_TOPIC)
    options = PublisherOptions(topic=address.topic, destination=address.shown, batch=batch, once=once)
    broker = broker_at(address, batch)
    with opened_application(settings_from(database_url, home)) as app:
        logging_setup.configure(app.settings.log_format)
        typer.echo(f"publishing to {address.shown}; stop with SIGTERM or Ctrl-C")
        _until_signal(LogPublisher(app, broker, options, _print_sent).run)


def _until_signal(run: "Callable[[asyncio.Event], Awaitable[object]]") -> None:
    """Run until it ends; SIGTERM and SIGINT set its event."""
    import asyncio
    import signal

    import uvloop

    async def watched() -> None:
        stop = asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        await run(stop)

    uvloop.run(watched())


def _print_counts(counts: "ConsumerCounts") -> None:
    """Print the rows so far, and for each reason how many were refused."""
    waiting = "unknown" if counts.waiting is None else counts.waiting
    typer.echo(
        f"{counts.stored} stored, {counts.duplicates} duplicate, {counts.rejected.total()} rejected, "
        f"{waiting} messages wait"
    )
    for reason, number in counts.rejected.most_common():
        typer.echo(f"    {number} × {reason}")


def _print_sent(sent: int, waiting: int) -> None:
    typer.echo(f"{sent} sent, {waiting} rows wait")
