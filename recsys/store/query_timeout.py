"""Connections to PostgreSQL that give up a server which does not answer.

A server that is stopped, or behind a line that swallows packets, never fails: it is silent. Timeouts of its own
(`statement_timeout`) do not help then, so the client counts.
"""

import math
import time
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.abc import RV, PQGen
from psycopg.waiting import Ready

from recsys.store.circuit_breaker import DatabaseCircuit

_LEAST_TO_CONNECT = 2
"""libpq takes whole seconds, and no fewer."""


class TimeoutConnection(psycopg.Connection[Any]):
    """Waits `patience` seconds for the answer to one question; then it is closed."""

    patience: float | None = None
    circuit: DatabaseCircuit | None = None

    def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """As psycopg's, within `patience`.

        Raises:
            psycopg.OperationalError: the server was silent for longer.
        """
        return super().wait(gen if self.patience is None else self._within(gen, self.patience), *args, **kwargs)

    def _within(self, gen: PQGen[RV], patience: float) -> PQGen[RV]:
        deadline = time.monotonic() + patience
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready == Ready.NONE and time.monotonic() >= deadline:
                    raise self._given_up(patience)
                wanted = gen.send(ready)
        except StopIteration as done:
            answer: RV = done.value
            return answer

    def _given_up(self, patience: float) -> psycopg.OperationalError:
        told = f"the server did not answer within {patience:g} s"
        if self.circuit is not None:
            self.circuit.trip(told)  # told here, so that nobody tries to connect anew
        self.close()
        return psycopg.OperationalError(told)


def connect_with_timeout(engine: sa.Engine, patience: float, circuit: DatabaseCircuit) -> None:
    """Let `engine` open such connections from now on; none while `circuit` says that the server is away."""
    to_connect = max(_LEAST_TO_CONNECT, math.ceil(patience))

    def connect(_dialect: Any, _record: Any, args: list[Any], parameters: dict[str, Any]) -> TimeoutConnection:
        circuit.check()
        connection = TimeoutConnection.connect(*args, **{"connect_timeout": to_connect, **parameters})
        connection.patience, connection.circuit = patience, circuit
        return connection

    sa.event.listen(engine, "do_connect", connect)
