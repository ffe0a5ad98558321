"""`attune serve`."""

import ipaddress
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DatabaseUrl, Home, settings_from
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from recsys.settings import Settings


def serve(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8000,
    host: Annotated[
        str, typer.Option(help="Address to listen on; other than this machine only once a key exists.")
    ] = "127.0.0.1",
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes; each holds state, vectors and model, and folds the log.")
    ] = 1,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Serve the feed over HTTP. Works before anything was trained; API description at /docs."""
    settings = settings_from(database_url, home)
    _check(settings, host)

    import uvicorn

    from api import worker

    worker.hand_on(settings)
    uvicorn.run(
        "api.worker:make",
        factory=True,
        workers=workers,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
    )


def _check(settings: "Settings", host: str) -> None:
    """Fail here what would fail in the service, where it would be a traceback."""
    from recsys.bundle import active_version
    from recsys.encoder.lazy import LazyEncoder
    from recsys.feed.trained import load_active
    from recsys.store import keys
    from recsys.store.database import opened

    with opened(settings.database_url) as database, database.read() as connection:
        if not _is_loopback(host) and not keys.everyone(connection):
            raise ConfigError(
                f"other machines would reach {host}, and no key exists yet, so anybody could read and change "
                "everything: run `attune keys create` first, or leave --host out"
            )
    if active_version(settings.home) is not None:
        load_active(settings.home, LazyEncoder(settings).name)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: only this one is sure to stay on this machine
        return host == "localhost"
