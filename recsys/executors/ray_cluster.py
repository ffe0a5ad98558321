"""Connection to a Ray cluster: one that runs, or one of this machine alone for the time of a command.

Ray is imported here and in `ray_pool` alone, and only when a cluster is used.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from recsys.errors import ConfigError

LOCAL, AUTO = "local", "auto"

_PATIENCE = 5.0
"""Seconds in which a cluster must answer."""


def require_ray() -> Any:
    """Return the module of Ray.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError("--ray and ATTUNE_RAY need Ray: pip install 'attune-feed[scale]'") from error
    return ray


@contextmanager
def connected(address: str, cpus: int | None = None) -> Iterator[Any]:
    """Connect this process to a cluster, and yield the module of Ray; within another such block, do nothing.

    Args:
        address: `local` starts a cluster of this machine, which ends with the block; `auto` finds the one that
            this machine is a node of; else HOST:PORT of it.
        cpus: processors of a local cluster; None for all.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at this address.
    """
    ray = require_ray()
    if ray.is_initialized():
        yield ray
        return
    if address not in (LOCAL, AUTO):
        _require_listener(address)
    with ExitStack() as stack:
        options: dict[str, Any] = {"address": address}
        if address == LOCAL:
            folder = stack.enter_context(TemporaryDirectory(prefix="attune-ray-", ignore_cleanup_errors=True))
            # Ray lets everybody read its folder, so it lies in one that only this user can enter
            options |= {"num_cpus": cpus, "include_dashboard": False, "_temp_dir": f"{folder}/ray"}
            _close_to_others()
        stack.callback(ray.shutdown)
        try:
            ray.init(log_to_driver=False, logging_level="error", **options)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            if address == LOCAL:
                raise ConfigError(f"Ray does not start on this machine ({reason}); run without --ray") from error
            raise ConfigError(f"no Ray cluster at {address!r} ({reason}): {_FIX}") from error
        yield ray


def _require_listener(address: str) -> None:
    """Check that something answers at HOST:PORT; Ray itself tries for minutes.

    Raises:
        ConfigError: nothing does, or `address` has another form.
    """
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise ConfigError(f"{address!r} is no Ray cluster: {_FIX}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"no Ray cluster at {address!r} ({error}): {_FIX}") from error


def _close_to_others() -> None:
    """Let only this process and its workers use the local cluster, whose ports are open; send nothing anywhere."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray asks for the token of its callers if there is one; without this one it writes one to the user's home
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


_FIX = (
    "give 'local', or 'auto' or HOST:PORT on a machine that is a node of the cluster; `ray start --head` starts a "
    "cluster, and `ray start --address HOST:PORT` adds a machine to it"
)


def require_one_machine(ray: Any, reason: str) -> None:
    """Check that all nodes of the cluster are on this machine.

    Raises:
        ConfigError: another machine is a node; the message starts with `reason`.
    """
    here = socket.gethostname()
    others = {str(node["NodeManagerHostname"]) for node in ray.nodes() if node["Alive"]} - {here}
    if others:
        raise ConfigError(f"{reason}, but the Ray cluster has other machines ({', '.join(sorted(others))})")
