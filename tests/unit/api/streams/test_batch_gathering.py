"""Batches from a queue that a broker fills: whole ones if messages come fast, and soon ones if they do not."""

import asyncio
import time

import pytest

from api.streams.stream_broker import take


def test_messages_that_trickle_in_become_one_batch() -> None:
    async def main() -> list[int]:
        queue: asyncio.Queue[int] = asyncio.Queue()

        async def fill() -> None:
            for number in range(20):
                await queue.put(number)
                await asyncio.sleep(0)

        filling = asyncio.create_task(fill())
        found = await take(queue, 100, 5.0)
        await filling
        return found

    assert asyncio.run(main()) == list(range(20))


def test_no_batch_is_larger_than_the_limit() -> None:
    async def main() -> tuple[list[int], int]:
        queue: asyncio.Queue[int] = asyncio.Queue()
        for number in range(10):
            queue.put_nowait(number)
        return await take(queue, 4, 5.0), queue.qsize()

    assert asyncio.run(main()) == ([0, 1, 2, 3], 6)


def test_an_endless_trickle_does_not_hold_a_batch_back() -> None:
    async def main() -> float:
        queue: asyncio.Queue[int] = asyncio.Queue()

        async def fill() -> None:
            while True:
                queue.put_nowait(1)
                await asyncio.sleep(0.0005)

        filling = asyncio.create_task(fill())
        began = time.monotonic()
        await take(queue, 1_000_000, 5.0)
        filling.cancel()
        return time.monotonic() - began

    assert asyncio.run(main()) < 3


def test_an_empty_queue_is_a_timeout() -> None:
    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        await take(queue, 10, 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
