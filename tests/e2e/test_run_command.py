"""`attune run` as operators meet it: one process tree that heals, and ends as a whole."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from api.streams.broker_adapters import broker_at
from api.streams.broker_address import parse_address
from api.streams.stream_broker import OutgoingMessage
from benchmarks.private_brokers import missing_program, private_broker
from recsys.store import event_log
from recsys.store.database import opened
from tests.serving import PATIENCE, Server, environment, wait_until
from tests.trained import place

pytestmark = pytest.mark.xdist_group("served")


def test_a_killed_service_comes_back_and_sigterm_ends_all_parts(tmp_path: Path) -> None:
    server = Server(place(tmp_path), command=("run", "--train", "0 4 * * *"))
    server.start()
    children = psutil.Process(server.process.pid).children()
    assert sorted(each.cmdline()[3] for each in children) == ["poll", "serve", "webhooks"]
    (service,) = (each for each in children if each.cmdline()[3] == "serve")
    service.kill()
    psutil.wait_procs([service], PATIENCE)
    with httpx.Client(base_url=server.address) as client:
        wait_until(client, server.process, tmp_path / "server.log", "/healthz")
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert children
    server.stop()
    assert server.process.returncode == 0
    assert not [each for each in children if each.is_running()]
    log = (tmp_path / "server.log").read_text()
    assert "training: next at" in log
    assert "service: ended by signal 9" in log


def refused_run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`attune run` with options that it cannot use."""
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "run", *options],
        cwd=folder,
        env=environment(place(folder)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_service_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    done = refused_run(tmp_path, "--host", "0.0.0.0")
    assert done.returncode == 1
    assert "`attune keys create`" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("attune: the service cannot start")


def test_a_port_of_metrics_without_a_consumer_is_an_error(tmp_path: Path) -> None:
    done = refused_run(tmp_path, "--metrics-port", "9200")
    assert done.returncode == 1
    assert done.stderr.startswith("attune: --metrics-port is for consumers, and there is none: set --consume")


def test_consumers_need_ports_for_their_metrics(tmp_path: Path) -> None:
    topics = ("--consume", "nats://h/clicks", "--consume", "nats://h/reads")
    done = refused_run(tmp_path, *topics, "--metrics-port", "65535")
    assert done.returncode == 1
    assert done.stderr == "attune: --metrics-port: a consumer would have port 65536: choose a lower one\n"


async def send_clicks(url: str, topic: str, numbers: range) -> None:
    broker = broker_at(parse_address(url, topic=topic, group=None, default_topic=""), 100)
    await broker.open()
    rows = [{"id": f"{topic}-{n}", "reader": "r1", "kind": "click", "article": f"a{n}"} for n in numbers]
    await broker.send(topic, [OutgoingMessage(row["id"], json.dumps(row).encode()) for row in rows])
    await broker.close()


def wait_for_rows(url: str, rows: int) -> None:
    deadline = time.monotonic() + PATIENCE
    with opened(url) as database:
        while time.monotonic() < deadline:
            with database.read() as connection:
                found = event_log.position(connection).last_seq
            if found >= rows:
                assert found == rows
                return
            time.sleep(0.1)
    raise AssertionError(f"the log has {found} rows, not {rows}")


def free_ports(number: int) -> int:
    """Return the first of so many ports in a row that are free now."""
    while True:
        with ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with suppress(OSError, OverflowError):
                for next_port in range(port + 1, port + number):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", next_port))
                return port


def wait_for_metrics(port: int, rows: int) -> None:
    """Wait until the consumer with this port of metrics has counted so many stored rows."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        if f'attune_stream_rows_total{{outcome="stored"}} {rows}.0\n' in metrics:
            return
        time.sleep(0.05)
    raise AssertionError(f"not {rows} stored rows: {metrics}")


def test_topics_are_consumed_by_children_that_come_back_and_end_with_it(tmp_path: Path) -> None:
    if missing_program("nats") is not None:
        pytest.skip("nats-server is not on this machine")
    of = place(tmp_path)
    database_url = of.settings.database_url
    with opened(database_url) as database, database.read() as connection:
        before = event_log.position(connection).last_seq
    with private_broker("nats", tmp_path / "broker") as broker, (tmp_path / "run.log").open("wb") as log:
        secret = broker.url.replace("//", "//user:s3cret@")
        asyncio.run(send_clicks(broker.url, "clicks", range(30)))
        asyncio.run(send_clicks(broker.url, "reads", range(20)))
        port = free_ports(2)
        command = ("run", "--no-serve", "--no-poll", "--no-webhooks", "--train", "", "--metrics-port", str(port))
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", *command],
            cwd=tmp_path,
            env={**environment(of), "ATTUNE_CONSUME": f"{secret}/clicks,{secret}/reads"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        wait_for_rows(database_url, before + 50)
        children = psutil.Process(process.pid).children()
        assert [each.cmdline()[-3:] for each in children] == [
            ["consume", "--metrics-port", str(port)],
            ["consume", "--metrics-port", str(port + 1)],
        ]
        wait_for_metrics(port, 30)
        wait_for_metrics(port + 1, 20)
        for each in children:
            each.kill()
        psutil.wait_procs(children, PATIENCE)
        asyncio.run(send_clicks(broker.url, "clicks", range(25, 40)))
        wait_for_rows(database_url, before + 60)
        children = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert not [each for each in children if each.is_running()]
    shown = (tmp_path / "run.log").read_text()
    assert "topic=clicks: ended by signal 9" in shown
    assert "consuming nats://127.0.0.1" in shown
    assert "s3cret" not in shown


def test_a_wrong_topic_is_one_line_of_error_and_starts_nothing(tmp_path: Path) -> None:
    done = refused_run(tmp_path, "--consume", "nats://user:s3cret@h?subject=clicks")
    assert done.returncode == 1
    assert done.stderr == "attune: --consume: unknown parameter 'subject' in the URL: give topic, group or none\n"
    assert done.stdout == ""
