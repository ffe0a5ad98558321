"""Checks of `attune serve` before it starts: errors that would come as a traceback, or after a long start."""

import errno
import ipaddress
import os
import socket
from typing import TYPE_CHECKING

from recsys.errors import AttuneError, ConfigError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from recsys.settings import Settings

_REFUSED = {errno.EADDRINUSE, errno.EACCES}


def check(settings: "Settings", host: str, port: int) -> str | None:
    """Check that the service can start; return a warning if the encoder does not read the articles' main language.

    Raises:
        ConfigError: host or port cannot be used, other machines could reach a service without keys, or the shard
            or the addresses of the others are not valid.
        StoreError: the database is unavailable.
        BundleError: the active bundle cannot serve.
    """
    from api.http.shard_forwarding import peer_addresses
    from recsys.encoder.encoder_languages import language_warning
    from recsys.encoder.lazy import LazyEncoder
    from recsys.models.bundle import active_version
    from recsys.models.model_loader import load_bundle
    from recsys.store import api_keys, articles
    from recsys.store.database import opened

    peer_addresses(settings)
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


def send_check(settings: "Settings", host: str, port: int, outcome: "Connection") -> None:
    """Run `check`, and send its warning, or the error that it raised on purpose."""
    try:
        outcome.send(check(settings, host, port))
    except AttuneError as error:
        outcome.send(error)


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
