import asyncio
import json

from benchmarks.traffic import Answer, Load, Traffic, _drive

FEED = {"request_id": "q", "cursor": "next", "items": [{"id": "a"}]}
STORED, REFUSED = {"accepted": 1}, {"title": "away"}


def driven(load: Load, stored: bool = True, breaks: bool = False) -> tuple[Traffic, list[Answer], list[str]]:
    """Run a generator on a small server; return its traffic, all answers, and all requests."""
    requested: list[str] = []
    heard: list[Answer] = []

    async def serve(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while head := await source.readline():
            path = head.decode().split()[1]
            requested.append(path)
            rest = (await source.readuntil(b"\r\n\r\n")).decode()
            if breaks:
                break
            if "events" in path:
                await source.readexactly(int(rest.split("Content-Length: ")[1].split()[0]))
            good = "events" not in path or stored
            content = json.dumps(FEED if "feed" in path else STORED if good else REFUSED, separators=(",", ":"))
            status = "200 OK" if good else "503 Away\r\nRetry-After: 5"
            sink.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n{content}".encode())
        sink.close()

    async def go() -> Traffic:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            return await _drive(server.sockets[0].getsockname()[1], load, 7, heard.append)

    return asyncio.run(go()), heard, requested


def test_feeds_and_clicks_are_counted_and_heard() -> None:
    traffic, heard, requested = driven(Load(10, 1, 60.0, events=0.3, feeds=20))
    assert not traffic.failures
    assert len(traffic.feeds) == 20
    assert len(traffic.events) == sum(path == "/v1/events" for path in requested) > 0
    assert len(heard) == len(requested)
    assert all(answer.succeeded and answer.received >= answer.sent for answer in heard)
    assert len({answer.event for answer in heard if answer.event}) == len(traffic.events)


def test_next_pages_are_requested_where_they_are_wanted() -> None:
    _, _, requested = driven(Load(10, 1, 60.0, feeds=20, pages=1.0))
    assert sum("cursor=next" in path for path in requested) >= 18
    _, _, requested = driven(Load(10, 1, 60.0, feeds=20))
    assert not any("cursor" in path for path in requested)


def test_a_refused_click_is_an_error_and_the_connection_goes_on() -> None:
    traffic, heard, _ = driven(Load(10, 1, 60.0, events=0.3, feeds=20), stored=False)
    assert len(traffic.feeds) == 20
    refused = [answer for answer in heard if not answer.succeeded]
    assert len(refused) == len(traffic.errors) > 0
    assert {(answer.status, b"\r\nretry-after: 5" in answer.head) for answer in refused} == {(503, True)}


def test_a_connection_that_breaks_is_reported() -> None:
    traffic, heard, _ = driven(Load(10, 1, 60.0), breaks=True)
    assert (len(traffic.broken), len(traffic.failures), heard) == (1, 1, [])
