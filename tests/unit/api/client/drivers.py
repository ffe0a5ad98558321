"""The three clients behind one interface: a method by its Python name, with its options as keywords."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from attune_client import AsyncAttuneClient, AttuneClient, AttuneClientError, Retry

NAMES = ("python", "asyncio", "node")
ROOT = Path(__file__).parents[4]
FIRST = 0.05
"""Seconds of the first pause."""


class Call(Protocol):
    """Calls one method of a client."""

    def __call__(self, method: str, *arguments: Any, **options: Any) -> Any: ...


@contextmanager
def client(name: str, url: str, key: str | None = None, language: str = "en") -> Iterator[Call]:
    """A client of the service at `url` that is closed at the end."""
    opened = {"python": _python, "asyncio": _asyncio, "node": _node}[name]
    options = {"language": language, **({} if key is None else {"key": key})}
    with opened(url, options) as call:
        yield call


@contextmanager
def _python(url: str, options: dict[str, str]) -> Iterator[Call]:
    with AttuneClient(url, retry=Retry(times=2, first=FIRST, longest=2), **options) as client:  # type: ignore[arg-type]
        yield lambda method, *given, **options: getattr(client, method)(*given, **options)


@contextmanager
def _asyncio(url: str, options: dict[str, str]) -> Iterator[Call]:
    with asyncio.Runner() as runner:
        client = AsyncAttuneClient(url, retry=Retry(times=2, first=FIRST, longest=2), **options)  # type: ignore[arg-type]
        yield lambda method, *given, **options: runner.run(getattr(client, method)(*given, **options))
        runner.run(client.aclose())


@contextmanager
def _node(url: str, options: dict[str, str]) -> Iterator[Call]:
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    retry = {"times": 2, "first": 1_000 * FIRST, "longest": 2_000}
    module = (ROOT / "api/client/attune.mjs").as_uri()
    command = [
        "node",
        str(Path(__file__).with_name("driver.mjs")),
        module,
        url,
        json.dumps({**options, "retry": retry}),
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def call(method: str, *given: Any, **options: Any) -> Any:
        words = method.split("_")
        name = words[0] + "".join(word.capitalize() for word in words[1:])
        stdin.write(json.dumps([name, *given, *([options] if options else [])]) + "\n")
        stdin.flush()
        outcome = json.loads(stdout.readline())
        if "answer" in outcome:
            return outcome["answer"]
        raise AttuneClientError(outcome["status"], outcome["problem"])

    try:
        yield call
    finally:
        stdin.close()
        process.wait(30)
        stdout.close()
