"""Several workers behind one port, forked from one process that has imported everything.

This process only starts and watches them, and imports neither numpy nor the service. uvicorn would start a new
interpreter for each worker. A fork of the fork server instead starts without imports, and shares their memory.
"""

import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerContext
from typing import TYPE_CHECKING

import uvicorn
from uvicorn import _subprocess
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from api.cli.serve_checks import send_check

if TYPE_CHECKING:
    from recsys.settings import Settings

IMPORTS = "api.worker_imports"

HTTP_PROTOCOL = "api.http.draining_protocol:DrainingProtocol"
"""By name: the parent of the workers does not import it."""

_SILENT_SECONDS = 30
"""A worker that is silent for so long is started again."""


def prepared(threads: int) -> ForkServerContext:
    """Return the context whose processes have imported the service, with `threads` threads of numpy in each."""
    # idle threads of OpenBLAS would take memory in each worker; the fork server must have none before it forks
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(threads))
    # glibc gives each of some twenty threads a heap of its own, which keeps what it once needed
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([IMPORTS])
    return context


def checked(context: ForkServerContext, settings: "Settings", host: str, port: int) -> str | None:
    """Run the checks of `serve_checks.check` in a process of its own: they import the service.

    Raises:
        AttuneError: the error of the check.
        RuntimeError: the check itself failed; its traceback is on stderr.
    """
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=send_check, args=(settings, host, port, sender))
    process.start()
    sender.close()
    try:
        outcome = receiver.recv()
    except EOFError as error:
        raise RuntimeError("the checks before the start failed") from error
    finally:
        process.join()
    if isinstance(outcome, BaseException):
        raise outcome
    assert outcome is None or isinstance(outcome, str)
    return outcome


def serve_with_workers(context: ForkServerContext, workers: int, host: str, port: int) -> None:
    """Serve with so many worker processes until a signal ends them; exit if one cannot start."""
    # uvicorn has no option for the start method; its supervisor works with that of any context
    _subprocess.spawn = context  # type: ignore[assignment]
    config = uvicorn.Config(
        "api.worker:make",
        factory=True,
        workers=workers,
        host=host,
        port=port,
        http=HTTP_PROTOCOL,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_worker_healthcheck=_SILENT_SECONDS,
    )
    supervisor = Multiprocess(config, sockets=[config.bind_socket()])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(STARTUP_FAILURE)  # `uvicorn.run` does so for one worker alone
