"""`attune serve`."""

import logging
from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, settings_from

logger = logging.getLogger(__name__)

Port = Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")]
Host = Annotated[
    str, typer.Option(help="Address to listen on; addresses that other machines reach need a key first.")
]
Workers = Annotated[
    int, typer.Option(min=1, max=64, help="Number of processes; each has its own state, vectors and models.")
]


def serve(
    port: Port = 8000,
    host: Host = "127.0.0.1",
    workers: Workers = 1,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Serve the feed over HTTP, also before training; the API is described at /docs."""
    from api import worker
    from api.http import logging_setup

    settings = settings_from(database_url, home)
    worker.export_settings_to_env(settings)
    if workers > 1:
        from api.cli.worker_processes import checked, prepared, serve_with_workers

        context = prepared(settings.threads)
        warning = checked(context, settings, host, port)
    else:
        from api.cli.serve_checks import check

        warning = check(settings, host, port)
    if warning is not None or workers > 1:
        logging_setup.configure(settings.log_format)
    if warning is not None:
        logger.warning("%s", warning)
    if workers > 1:
        serve_with_workers(context, workers, host, port)
    else:
        _serve_here(host, port)


def _serve_here(host: str, port: int) -> None:
    """Serve in this process."""
    import uvicorn

    from api import worker

    uvicorn.run(
        worker.make, factory=True, host=host, port=port, log_config=None, access_log=False, server_header=False
    )
