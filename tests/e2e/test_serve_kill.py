"""kill -9 of a service under load, again and again: what was acknowledged is in the log, once."""

import random
import signal
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from recsys.simulate.world import simulate
from recsys.store.database import opened
from recsys.store.tables import events
from tests.live import HTTP
from tests.serving import Server
from tests.trained import Place, populated

pytestmark = pytest.mark.xdist_group("served")

POSTERS = 3
BATCH = 20
RESTART_SECONDS = 5.0


class Poster(threading.Thread):
    """Sends batches until it is stopped; a batch without an answer is sent again, as a client would."""

    def __init__(self, number: int, address: str, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[str] = []
        self.wrong: list[str] = []
        self._number, self._address, self._stopping = number, address, stopping

    def run(self) -> None:
        with httpx.Client(base_url=self._address) as client:
            self._send(client)

    def _send(self, client: httpx.Client) -> None:
        batch = self._batch()
        while not self._stopping.is_set():
            try:
                answer = client.post("/v1/events", json={"events": batch})
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            reported = answer.json()
            if answer.status_code != 200 or reported["accepted"] + reported["duplicates"] != len(batch):
                self.wrong.append(answer.text)
            self.acknowledged += [event["id"] for event in batch]
            batch = self._batch()

    def _batch(self) -> list[dict[str, str]]:
        reader = f"r{self._number}"
        return [
            {"id": uuid.uuid4().hex, "reader": reader, "article": f"a{i:06}", "kind": "click"}
            for i in range(BATCH)
        ]


def killed(where: Place, kills: int) -> list[float]:
    """Returns after how many seconds each restart served."""
    waited: list[float] = []
    draw, stopping = random.Random(kills), threading.Event()
    server = Server(where)
    server.start()
    posters = [Poster(number, server.address, stopping) for number in range(POSTERS)]
    try:
        for poster in posters:
            poster.start()
        for _ in range(kills):
            time.sleep(draw.uniform(0.05, 0.6))
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            server.start()
            answer = HTTP.get(f"{server.address}/v1/feed/r0")
            assert answer.status_code == 200
            assert answer.json()["items"]
            waited.append(server.seconds)
        stopping.set()
        for poster in posters:
            poster.join(60)
    finally:
        stopping.set()
        server.stop()
    assert not [wrong for poster in posters for wrong in poster.wrong]
    sent = Counter(id_ for poster in posters for id_ in poster.acknowledged)
    with opened(where.settings.database_url) as database, database.read() as connection:
        stored = Counter(connection.execute(sa.select(events.c.id)).scalars())
    assert len(sent) >= kills * BATCH
    assert all(stored[id_] == 1 for id_ in sent)
    assert set(stored.values()) == {1}
    return waited


def test_a_kill_loses_and_repeats_nothing(database_url: str, tmp_path: Path) -> None:
    killed(populated(tmp_path, url=database_url), 1)


@pytest.mark.soak
def test_fifty_kills_of_a_large_house_lose_and_repeat_nothing(database_url: str, tmp_path: Path) -> None:
    world = simulate(readers=200, articles=20_000, days=14, seed=5)
    waited = killed(populated(tmp_path, world, database_url), 50)
    assert max(waited) < RESTART_SECONDS, waited
