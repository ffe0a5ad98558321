"""Several worker processes behind one port answer as one."""

import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import psutil
import pytest

from tests.live import HTTP
from tests.postgres import fresh_postgres
from tests.serving import Server
from tests.trained import populated, world

pytestmark = pytest.mark.xdist_group("served")

READERS = 8


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of two workers on each backend."""
    folder = tmp_path_factory.mktemp("workers")
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            url = stack.enter_context(fresh_postgres(request.getfixturevalue("postgres_admin_url")))
        started = Server(populated(folder, url=url), "--workers", "2")
        started.start()
        yield started
        started.stop()


def ask(server: Server, method: str, path: str, **more: object) -> httpx.Response:
    """On a connection of its own, so that any worker may answer."""
    return HTTP.request(method, f"{server.address}{path}", **more).raise_for_status()  # type: ignore[arg-type]


def feed(server: Server, reader: str, **asked: object) -> httpx.Response:
    return ask(server, "GET", f"/v1/feed/{reader}", params={"explain": False, **asked})


def click_then_look(server: Server, reader: str, pairs: int) -> None:
    draw, clicked = random.Random(reader), set[str]()
    for _ in range(pairs):
        shown = [item["id"] for item in feed(server, reader, limit=10).json()["items"]]
        assert not clicked & set(shown), "an article that was clicked came back"
        article = draw.choice(shown)
        clicked.add(article)
        event = {"id": uuid.uuid4().hex, "reader": reader, "article": article, "kind": "click"}
        assert ask(server, "POST", "/v1/events", json={"events": [event]}).json()["accepted"] == 1


def clicks_never_come_back(server: Server, pairs: int) -> None:
    with ThreadPoolExecutor(READERS) as readers:
        for done in [readers.submit(click_then_look, server, f"new{i}", pairs // READERS) for i in range(READERS)]:
            done.result()
    workers = [child for child in psutil.Process(server.process.pid).children() if child.num_threads() > 2]
    assert len(workers) == 2


def test_a_click_counts_at_once_in_both_workers(server: Server) -> None:
    clicks_never_come_back(server, 100)


@pytest.mark.soak
def test_a_thousand_clicks_count_at_once_in_both_workers(server: Server) -> None:
    clicks_never_come_back(server, 1_000)


def test_a_cursor_goes_on_in_whichever_worker(server: Server) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(12):
        page = feed(server, "paging", limit=5, **cursor).json()
        seen += [item["id"] for item in page["items"]]
        if page["cursor"] is None:
            break
        cursor = {"cursor": page["cursor"]}
    assert len(seen) == len(set(seen)) == 60
    assert set(seen) <= set(world().articles["id"])


def test_workers_give_one_answer_to_one_question(server: Server) -> None:
    body = {"candidates": world().articles["id"].to_list()[:50], "reader": world().events["reader"][0]}
    answers = [ask(server, "POST", "/v1/rank", json=body).json()["items"] for _ in range(8)]
    orders = [[item["id"] for item in items] for items in answers]
    assert all(order == orders[0] for order in orders)
