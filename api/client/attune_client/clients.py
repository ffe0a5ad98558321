"""The two clients: they keep connections, so use one for many requests, and close it."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Self, TypedDict, Unpack

import httpx

from .client_retry import Attempts, Outcome, Retry, answer_of
from .operations import Answer, Call, Operations


class Options(TypedDict, total=False):
    """Options of a client.

    key: of the needed scope, or a reader token. language: of the texts of reasons, as in `Accept-Language`.
    retry: when failed requests are sent again. timeout: longest wait for an answer, in seconds.
    """

    key: str
    language: str
    retry: Retry
    timeout: float


class AttuneClient(Operations[Answer]):
    """Client of the service at `url`, such as `https://feed.example.org`."""

    def __init__(self, url: str, **options: Unpack[Options]) -> None:
        self._http = httpx.Client(**_settings(url, options))
        self._retry = options.get("retry", Retry())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _send(self, call: Call) -> Answer:
        attempts = Attempts(self._retry, call)
        while (answer := answer_of(outcome := self._try(call))) is None:
            time.sleep(attempts.pause(outcome))
        return answer

    def _try(self, call: Call) -> Outcome:
        try:
            return self._http.request(call.method, call.path, params=call.query, json=call.body)
        except httpx.TransportError as error:
            return error


class AsyncAttuneClient(Operations[Coroutine[Any, Any, Answer]]):
    """Client of the service at `url`, for asyncio."""

    def __init__(self, url: str, **options: Unpack[Options]) -> None:
        self._http = httpx.AsyncClient(**_settings(url, options))
        self._retry = options.get("retry", Retry())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send(self, call: Call) -> Answer:
        attempts = Attempts(self._retry, call)
        while (answer := answer_of(outcome := await self._try(call))) is None:
            await asyncio.sleep(attempts.pause(outcome))
        return answer

    async def _try(self, call: Call) -> Outcome:
        try:
            return await self._http.request(call.method, call.path, params=call.query, json=call.body)
        except httpx.TransportError as error:
            return error


def _settings(url: str, options: Options) -> dict[str, Any]:
    key = options.get("key")
    headers = {"Accept-Language": options.get("language", "en")}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return {"base_url": url, "headers": headers, "timeout": options.get("timeout", 10.0)}
