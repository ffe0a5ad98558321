"""Message brokers of one benchmark or test: processes on free ports, with data in a folder, that may be killed.

Kafka is the mock cluster of librdkafka (package confluent-kafka): the real protocol over TCP, with groups and
offsets, in memory and in this process. So it is not killed.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psutil

_SECONDS = 60.0
_RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Start of RabbitMQ that needs no user of its own, unlike the one in /usr/sbin."""

KINDS = ("nats", "redis", "amqp", "kafka")


class RunningBroker(Protocol):
    """Broker at `url`."""

    url: str

    def restart(self) -> None:
        """Kill the broker with SIGKILL, and start it again on its data."""


class BrokerProcess:
    """One broker as a process.

    Args:
        command: starts it; `{port}` is replaced.
        folder: of its data and its log.
        url: with `{port}`.
        environment: further variables, with `{port}`.
    """

    def __init__(self, command: list[str], folder: Path, url: str, environment: dict[str, str]) -> None:
        self.port = _free_port()
        self.url = url.format(port=self.port)
        self._command = [part.format(port=self.port) for part in command]
        self._folder = folder
        self._environment = {name: value.format(port=self.port) for name, value in environment.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"{self._command[0]} does not accept connections: see {self._folder / 'broker.log'}")

    def kill(self) -> None:
        """Kill it and its children with SIGKILL."""
        if self._process is None:
            return
        tree = psutil.Process(self._process.pid)
        for each in [tree, *tree.children(recursive=True)]:
            each.kill()
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Kill it, and start it again on its data."""
        self.kill()
        time.sleep(0.3)
        self.start()


class _KafkaInMemory:
    def __init__(self) -> None:
        from confluent_kafka import Producer

        self._cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
        (found,) = self._cluster.list_topics(timeout=10).brokers.values()
        self.url = f"kafka://{found.host}:{found.port}"

    def restart(self) -> None:
        raise NotImplementedError("the mock cluster is in memory: a restart would lose its messages")


def missing_program(kind: str) -> str | None:
    """Return the program or package without which a broker cannot start, None if nothing lacks."""
    if kind == "kafka":
        try:
            import confluent_kafka  # noqa: F401
        except ModuleNotFoundError:
            return "confluent-kafka"
        return None
    program = {"nats": "nats-server", "redis": "redis-server", "amqp": _RABBIT}[kind]
    return None if shutil.which(program) else program


@contextmanager
def private_broker(kind: str, folder: Path) -> Iterator[RunningBroker]:
    """Start a broker of a kind, with its data in `folder`, and end it at last."""
    if kind == "kafka":
        yield _KafkaInMemory()
        return
    folder.mkdir(parents=True, exist_ok=True)
    broker = _process(kind, folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


def _process(kind: str, folder: Path) -> BrokerProcess:
    data = str(folder)
    if kind == "nats":
        command = ["nats-server", "-js", "-sd", data, "-a", "127.0.0.1", "-p", "{port}"]
        return BrokerProcess(command, folder, "nats://127.0.0.1:{port}", {})
    if kind == "redis":
        stored = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", data]
        command = ["redis-server", "--bind", "127.0.0.1", "--port", "{port}", *stored]
        return BrokerProcess(command, folder, "redis://127.0.0.1:{port}/0", {})
    url = "amqp://guest:guest@127.0.0.1:{port}/"
    broker = BrokerProcess([_RABBIT], folder, url, _rabbit_environment(folder))
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.own = 127.0.0.1:{broker.port}\n")
    return broker


def _rabbit_environment(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": "attune{port}@localhost",
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_DIST_PORT": str(_free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
