"""Several worker processes behind one port answer as one."""

import random
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from tests.live import HTTP
from tests.postgres import fresh_postgres
from tests.serving import PATIENCE, Server
from tests.trained import populated, quick_settings, world

pytestmark = pytest.mark.xdist_group("served")

AT_ONCE = 8
MOST_OF_A_READER = 25
"""Clicks of one reader: the tiny encoder finds many articles alike, so one click takes several out of a feed."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path
) -> Iterator[Server]:
    """A service of two workers on each backend."""
    folder = tmp_path_factory.mktemp("workers")
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            url = stack.enter_context(fresh_postgres(request.getfixturevalue("postgres_admin_url")))
        place = populated(folder, url=url, like=quick_settings(tiny_encoder))
        started = Server(place, "--workers", "2")
        started.start()
        yield started
        started.stop()


def ask(server: Server, method: str, path: str, **more: object) -> httpx.Response:
    """On a connection of its own, so that any worker may answer."""
    return HTTP.request(method, f"{server.address}{path}", **more).raise_for_status()  # type: ignore[arg-type]


def feed(server: Server, reader: str, **requested: object) -> httpx.Response:
    return ask(server, "GET", f"/v1/feed/{reader}", params={"explain": False, **requested})


def click_then_look(server: Server, reader: str, pairs: int) -> None:
    draw, clicked = random.Random(reader), set[str]()
    for _ in range(pairs):
        shown = [item["id"] for item in feed(server, reader, limit=10).json()["items"]]
        assert not clicked & set(shown), "an article that was clicked came back"
        article = draw.choice(shown)
        clicked.add(article)
        event = {"id": uuid.uuid4().hex, "reader": reader, "article": article, "kind": "click"}
        assert ask(server, "POST", "/v1/events", json={"events": [event]}).json()["accepted"] == 1


def workers_of(server: Server) -> list[psutil.Process]:
    """The children of the fork server, which is a child of the parent."""
    return [worker for child in psutil.Process(server.process.pid).children() for worker in child.children()]


def clicks_never_come_back(server: Server, pairs: int) -> None:
    each = min(pairs // AT_ONCE, MOST_OF_A_READER)
    names = [f"{pairs}-{i}" for i in range(pairs // each)]
    with ThreadPoolExecutor(AT_ONCE) as readers:
        for done in [readers.submit(click_then_look, server, name, each) for name in names]:
            done.result()
    assert len(workers_of(server)) == 2


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


def maps(process: psutil.Process, library: str) -> bool:
    try:
        return any(library in Path(each.path).name for each in process.memory_maps())
    except psutil.NoSuchProcess:  # of two encoding processes that start at once, one ends
        return False


def test_the_parent_is_small_and_one_process_of_all_has_torch(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    for _ in range(8):  # both workers have the vectors of all articles
        while httpx.get(f"{server.address}/readyz", timeout=60).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    workers, parent = workers_of(server), psutil.Process(server.process.pid)
    below = parent.children(recursive=True)
    assert not maps(parent, "_multiarray_umath")
    assert all(maps(worker, "lib_lightgbm") for worker in workers)
    with_torch = [process for process in below if maps(process, "libtorch_cpu")]
    assert len(with_torch) == 1
    assert with_torch[0].ppid() in {worker.pid for worker in workers}
