"""PostgreSQL connections with a client-side timeout.

A stopped server, or one behind a link that drops packets, is silent instead of failing. Server-side timeouts
(`statement_timeout`) do not help then, so the client measures the time.
"""

import math
import time
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.abc import RV, PQGen
from psycopg.waiting import Ready

from recsys.store.circuit_breaker import DatabaseCircuit

_MIN_CONNECT_SECONDS = 2
"""Smallest connect timeout that libpq accepts, in whole seconds."""


class TimeoutConnection(psycopg.Connection[Any]):
    """Connection that waits up to `patience` seconds for each answer, then closes itself."""

    patience: float | None = None
    circuit: DatabaseCircuit | None = None

    def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """Wait as psycopg does, but at most `patience` seconds.

        Raises:
            psycopg.OperationalError: the server was silent for longer.
        """
        return super().wait(
            gen if self.patience is None else self._with_deadline(gen, self.patience), *args, **kwargs
        )

    def _with_deadline(self, gen: PQGen[RV], patience: float) -> PQGen[RV]:
        deadline = time.monotonic() + patience
        try:
            awaited = next(gen)
            while True:
                ready = yield awaited
                if ready == Ready.NONE and time.monotonic() >= deadline:
                    raise self._timed_out(patience)
                awaited = gen.send(ready)
        except StopIteration as done:
            answer: RV = done.value
            return answer

    def _timed_out(self, patience: float) -> psycopg.OperationalError:
        message = f"the server did not answer within {patience:g} s"
        if self.circuit is not None:
            self.circuit.trip(message)  # open the circuit first, so that no thread tries to reconnect
        self.close()
        return psycopg.OperationalError(message)


def connect_with_timeout(engine: sa.Engine, patience: float, circuit: DatabaseCircuit) -> None:
    """Make `engine` open connections with a timeout, and none while `circuit` is open."""
    connect_seconds = max(_MIN_CONNECT_SECONDS, math.ceil(patience))

    def connect(_dialect: Any, _record: Any, args: list[Any], parameters: dict[str, Any]) -> TimeoutConnection:
        circuit.check()
        connection = TimeoutConnection.connect(*args, **{"connect_timeout": connect_seconds, **parameters})
        connection.patience, connection.circuit = patience, circuit
        return connection

    sa.event.listen(engine, "do_connect", connect)
