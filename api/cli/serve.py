"""`attune serve`."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import HIGHEST_PORT, DatabaseUrl, Home, settings_from

if TYPE_CHECKING:
    from recsys.settings import Settings

logger = logging.getLogger(__name__)

Port = Annotated[int, typer.Option(min=1, max=HIGHEST_PORT, help="Port to listen on.")]
Host = Annotated[
    str, typer.Option(help="Address to listen on; addresses that other machines reach need a key first.")
]
Workers = Annotated[
    int, typer.Option(min=1, max=64, help="Number of processes; each has its own state, vectors and models.")
]

ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        help="Readers whose state this service holds, as i/n from 0/n; all by default  [env: ATTUNE_SHARD]",
        show_default=False,
    ),
]


def serve(
    port: Port = 8000,
    host: Host = "127.0.0.1",
    workers: Workers = 1,
    shard: ShardOption = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Serve the feed over HTTP, also before training; the API is described at /docs."""
    from api import worker

    settings = settings_from(database_url, home, shard=shard)
    worker.export_settings_to_env(settings)
    if workers > 1:
        _serve_with_workers(settings, workers, host, port)
    else:
        _serve_here(settings, host, port)


def _serve_with_workers(settings: "Settings", workers: int, host: str, port: int) -> None:
    """Serve by forks of a process that has imported the service; this one imports next to nothing."""
    from api.cli.worker_processes import checked, prepared, serve_with_workers
    from api.http import logging_setup

    context = prepared(settings.threads)
    warning = checked(context, settings, host, port)
    logging_setup.configure(settings.log_format)
    if warning is not None:
        logger.warning("%s", warning)
    serve_with_workers(context, workers, host, port)


def _serve_here(settings: "Settings", host: str, port: int) -> None:
    """Serve in this process, whose worker configures the log."""
    from api.cli.serve_checks import check
    from api.cli.worker_processes import HTTP_PROTOCOL
    from api.http import logging_setup

    warning = check(settings, host, port)
    if warning is not None:
        logging_setup.configure(settings.log_format)
        logger.warning("%s", warning)

    import uvicorn

    from api import worker

    uvicorn.run(
        worker.make,
        factory=True,
        host=host,
        port=port,
        http=HTTP_PROTOCOL,
        log_config=None,
        access_log=False,
        server_header=False,
    )
