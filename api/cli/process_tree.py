"""Child processes of `attune run`: kept running, or run once, and stopped together."""

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from api.http.logging_setup import FIELDS

logger = logging.getLogger(__name__)

GRACE_SECONDS = 45.0
"""Time that stopped children have before they are killed: a service saves its state and its index meanwhile."""

SHORTEST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before a child that ended is started again; the wait doubles with each time."""

STABLE_SECONDS = 60.0
"""After so long the next wait is the shortest again."""

_REFUSED = {1, 3}
"""Exit statuses of a command that cannot start: another start would fail in the same way. 3 is uvicorn's."""

_CHUNK, _LONGEST_LINE = 65_536, 8_192
"""Bytes of one read of a child's output, and of one line of the log."""

_OWN = {"at", "logger"}
"""Entries of a record that the log of this process makes itself."""

_SET_PARENT_DEATH_SIGNAL = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Command:
    """A child process. logged: its output becomes lines of the log; otherwise it writes its own log to stderr.

    nice: added to its niceness, so that it gives way to other processes. variables: further ones of its
    environment, for secrets: other users of the machine can read the arguments.
    """

    name: str
    arguments: tuple[str, ...]
    logged: bool = False
    nice: int = 0
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """End of a process. status: exit status, negative for a signal. seconds: how long it ran.

    stopped: Attune stopped it, because its time was over or the tree stopped.
    """

    status: int
    seconds: float
    stopped: bool


class ProcessTree:
    """Children of this process. They share one end: `stop` ends them all.

    Each child leads a process group of its own, so that a Ctrl-C in a terminal reaches it through this process.

    Attributes:
        failure: why the tree ended although nobody stopped it; None otherwise.
    """

    def __init__(self, grace: float = GRACE_SECONDS, shortest_wait: float = SHORTEST_WAIT) -> None:
        self.failure: str | None = None
        self._grace = grace
        self._shortest_wait = shortest_wait
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Stop every child, and start no other."""
        self._stopping.set()

    async def pause(self, seconds: float) -> bool:
        """Wait; return True as soon as the tree stops."""
        if self._stopping.is_set():
            return True
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def keep_running(self, command: Command) -> None:
        """Run a command until the tree stops, and start it again whenever it ends.

        A first process that refuses its settings (status 1 or 3 within a minute) stops the tree with a `failure`.
        """
        first, wait = True, self._shortest_wait
        while not self._stopping.is_set():
            ended = await self.run(command)
            if ended.stopped:
                return
            stable = ended.seconds >= STABLE_SECONDS
            if first and ended.status in _REFUSED and not stable:
                self.failure = f"the {command.name} cannot start: its message is in the lines before"
                self.stop()
                return
            first, wait = False, self._shortest_wait if stable else wait
            logger.error("%s: %s; next start in %g s", command.name, end_text(ended), wait, extra=_fields(ended))
            if await self.pause(wait):
                return
            wait = min(2 * wait, LONGEST_WAIT)

    async def run(self, command: Command, within: float | None = None) -> Ended:
        """Run a command to its end; stop it after `within` seconds, or when the tree stops."""
        began = time.monotonic()
        process = await _start(command)
        logger.info("%s: started", command.name, extra={FIELDS: {"child": process.pid}})
        ends = asyncio.create_task(_end_of(process, command))
        stops = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({ends, stops}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        stops.cancel()
        stopped = not ends.done()
        if stopped:
            await self._end(process, command, ends)
        return Ended(await ends, time.monotonic() - began, stopped)

    async def _end(self, process: Process, command: Command, ends: "asyncio.Task[int]") -> None:
        logger.info("%s: stopping", command.name)
        _signal(process, signal.SIGTERM)
        done, _ = await asyncio.wait({ends}, timeout=self._grace)
        if not done:
            logger.error("%s: did not stop within %g s, so it is killed", command.name, self._grace)
            _signal(process, signal.SIGKILL, group=True)


def end_text(ended: Ended) -> str:
    """Return a few words about the end of a process."""
    if ended.status >= 0:
        return f"ended with status {ended.status} after {ended.seconds:.0f} s"
    return f"ended by signal {-ended.status} after {ended.seconds:.0f} s"


async def _start(command: Command) -> Process:
    def prepare() -> None:
        """Lower the priority; on Linux, let the child stop with this process, even when that is killed."""
        os.nice(command.nice)
        if _LIBC is not None:
            _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)

    return await asyncio.create_subprocess_exec(
        *command.arguments,
        env={**os.environ, **command.variables},
        stdin=DEVNULL,
        stdout=PIPE if command.logged else None,
        stderr=STDOUT if command.logged else None,
        start_new_session=True,
        preexec_fn=prepare,
    )


async def _end_of(process: Process, command: Command) -> int:
    """Log the output of a process, if it is `logged`, and return its exit status."""
    if process.stdout is not None:
        output = logging.getLogger(f"{__name__}.{command.name}")
        async for line in _lines(process.stdout):
            _relay(output, line)
    return await process.wait()


def _relay(output: logging.Logger, line: str) -> None:
    """Log a line; one that is a record of Attune's own log in JSON keeps its level, message and fields."""
    try:
        record = json.loads(line)
        level = logging.getLevelNamesMapping()[record.pop("level").upper()]
        message = record.pop("message")
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):  # any other text
        output.info("%s", line)
        return
    output.log(
        max(level, logging.INFO),
        "%s",
        message,
        extra={FIELDS: {name: record[name] for name in record.keys() - _OWN}},
    )


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield the lines of a stream that are not empty; a longer line than `_LONGEST_LINE` comes in parts."""
    rest = b""
    while chunk := await stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        for line in whole:
            for start in range(0, len(line), _LONGEST_LINE):
                if text := line[start : start + _LONGEST_LINE].decode(errors="replace").rstrip():
                    yield text
    if text := rest.decode(errors="replace").rstrip():
        yield text


def _signal(process: Process, number: signal.Signals, group: bool = False) -> None:
    """Send a signal to a process or, if `group`, to all processes that it started, too."""
    try:
        (os.killpg if group else os.kill)(process.pid, number)
    except ProcessLookupError:  # it ended in this moment
        logger.debug("process %d is gone", process.pid)


def _fields(ended: Ended) -> dict[str, dict[str, float]]:
    return {FIELDS: {"status": ended.status, "seconds": round(ended.seconds, 1)}}
