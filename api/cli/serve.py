"""`attune serve`."""

import errno
import ipaddress
import logging
import os
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DatabaseUrl, Home, settings_from
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from recsys.settings import Settings

logger = logging.getLogger(__name__)

_REFUSED = {errno.EADDRINUSE, errno.EACCES}


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
    from api.http import lightgbm_import

    lightgbm_import.import_lightgbm()
    settings = settings_from(database_url, home)
    warning = _check(settings, host, port)

    import uvicorn

    from api import worker
    from api.http import logging_setup

    if warning is not None:
        logging_setup.configure(settings.log_format)
        logger.warning("%s", warning)

    worker.export_settings_to_env(settings)
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


def _check(settings: "Settings", host: str, port: int) -> str | None:
    """Find errors here that in the service would be a traceback, or come after a long start.

    Return a sentence if the encoder does not read the main language of the articles.

    Raises:
        ConfigError: host or port cannot be used, or other machines could reach a service without keys.
        StoreError: the database is unavailable.
        BundleError: the active bundle cannot serve.
    """
    from recsys.encoder.encoder_languages import language_warning
    from recsys.encoder.lazy import LazyEncoder
    from recsys.models.bundle import active_version
    from recsys.models.model_loader import load_bundle
    from recsys.store import api_keys, articles
    from recsys.store.database import opened

    with opened(settings.database_url) as database, database.read() as connection:
        if not _is_loopback(host) and not api_keys.all_keys(connection):
            raise ConfigError(
                f"other machines can reach {host}, but no key exists, so anybody could read and change "
                "everything: run `attune keys create` first, or omit --host"
            )
        warning = language_warning(articles.language_counts(connection), settings.encoder)
    _require_free(host, port)
    if active_version(settings.home) is not None:
        load_bundle(settings.home, LazyEncoder(settings).name)
    return warning


def _require_free(host: str, port: int) -> None:
    """Check that host and port are free: uvicorn itself checks only after everything is loaded."""
    try:
        places = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ConfigError(f"host {host!r} has no address ({error.strerror}): choose another --host") from error
    for family, _, _, _, address in places:
        try:
            socket.create_server((str(address[0]), port), family=family).close()
        except OSError as error:
            # one of several addresses may be missing, for example IPv6 of `localhost`
            if error.errno in _REFUSED or len(places) == 1:
                raise ConfigError(
                    f"cannot listen on port {port} of {address[0]} ({os.strerror(error.errno or 0)}): "
                    "choose another --port or --host"
                ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: only this one is certain to be this machine
        return host == "localhost"
