"""The limit of requests, in memory and in Redis."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.http.security.rate_limit import RateLimiter, limiter_of
from recsys.errors import ConfigError
from recsys.settings import Settings

PATIENCE = 30.0


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not on this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log)
    try:
        _wait_for(port, folder)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError((folder / "log").read_text())


@pytest.fixture(params=["memory", "redis"])
def storage(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else str(request.getfixturevalue("redis"))


def limiter(rate: str, storage: str = "memory://") -> RateLimiter:
    return limiter_of(Settings(rate_limit=rate, rate_limit_storage=storage, _env_file=None))  # type: ignore[call-arg]


async def requested(limits: RateLimiter, *keys: str) -> list[int | None]:
    async with limits.connected():
        return [await limits.wait(key) for key in keys]


def test_each_key_has_a_limit_of_its_own(storage: str) -> None:
    waits = asyncio.run(requested(limiter("2/hour", storage), "a", "a", "b", "a", "b"))
    assert waits[:3] == [None, None, None]
    assert waits[3] is not None
    assert 1 <= waits[3] <= 3_600
    assert waits[4] is None


def test_processes_that_share_redis_share_the_count(redis: str) -> None:
    assert asyncio.run(requested(limiter("1/day", redis), "shared")) == [None]
    assert asyncio.run(requested(limiter("1/day", redis), "shared")) != [None]


def test_without_a_limit_nobody_waits() -> None:
    assert asyncio.run(requested(limiter(""), *"aaaa")) == [None] * 4


def test_a_storage_that_is_gone_counts_nothing_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert asyncio.run(requested(limiter("1/hour", "redis://127.0.0.1:1"), "a", "a")) == [None, None]
    assert "ATTUNE_RATE_LIMIT_STORAGE" in caplog.text


@pytest.mark.parametrize(
    ("rate", "storage", "variable"),
    [
        ("often", "memory://", "ATTUNE_RATE_LIMIT 'often'"),
        ("1/hour", "carrier-pigeon://", "ATTUNE_RATE_LIMIT_STORAGE must be memory://"),
    ],
)
def test_wrong_settings_are_named(rate: str, storage: str, variable: str) -> None:
    with pytest.raises(ConfigError, match=variable):
        limiter(rate, storage)
