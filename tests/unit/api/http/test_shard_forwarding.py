"""Two shards over one database: each answers for all readers, for those of the other by sending requests on."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

import api.app
from api.app import create_app
from api.application.scopes import Scope
from api.http.shard_forwarding import FORWARDED_HEADER, peer_addresses
from recsys.domain import Article
from recsys.errors import ConfigError
from recsys.frames import articles_frame
from recsys.settings import Settings
from recsys.state.shard import Shard
from recsys.store import articles
from tests.live import HTTP, free_port, listening
from tests.trained import HashEncoder, Place, place
from tests.unit.api.conftest import bearer

COUNT = 2
MINE = next(f"r{number}" for number in range(20) if Shard(0, COUNT).holds(f"r{number}"))
OTHER = next(f"r{number}" for number in range(20) if Shard(1, COUNT).holds(f"r{number}"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())


@pytest.fixture
def where(tmp_path: Path) -> Place:
    made = place(tmp_path)
    database = made.open()
    with database.write() as connection:
        articles.upsert(
            connection, articles_frame([Article(id=f"a{n}", title=f"Title {n}", category="c") for n in range(12)])
        )
    database.close()
    return made


class Shards:
    """Addresses of two shards; `start` serves one of them in a thread."""

    def __init__(self, where: Place, **changes: Any) -> None:
        self._ports = [free_port() for _ in range(COUNT)]
        self.addresses = [f"http://127.0.0.1:{port}" for port in self._ports]
        self._where, self._changes = where, changes

    @contextmanager
    def start(self, number: int, **changes: Any) -> Iterator[str]:
        settings = self._where.settings.model_copy(
            update={
                "home": self._where.home / f"shard-{number}",
                "shard": f"{number}/{COUNT}",
                "shard_peers": ",".join(self.addresses),
                **self._changes,
                **changes,
            }
        )
        with listening(create_app(settings), self._ports[number]) as address:
            yield address


@pytest.fixture
def both(where: Place) -> Iterator[list[str]]:
    with ExitStack() as stack:
        shards = Shards(where)
        yield [stack.enter_context(shards.start(number)) for number in range(COUNT)]


DOORS: dict[str, Callable[[str, str], httpx.Response]] = {
    "feed": lambda at, reader: HTTP.get(f"{at}/v1/feed/{reader}", params={"limit": 3, "explore": 0}),
    "own feed": lambda at, reader: HTTP.get(f"{at}/v1/feed", params={"reader": reader, "limit": 3}),
    "rank": lambda at, reader: HTTP.post(f"{at}/v1/rank", json={"reader": reader, "candidates": ["a1", "a2"]}),
    "attention": lambda at, reader: HTTP.get(f"{at}/v1/readers/{reader}/attention"),
    "gorse": lambda at, reader: HTTP.get(f"{at}/api/recommend/{reader}", params={"n": 3}),
}


def test_every_shard_answers_for_every_reader_at_every_door(both: list[str]) -> None:
    for door, ask in DOORS.items():
        for (number, address), reader in product(enumerate(both), (MINE, OTHER)):
            answer = ask(address, reader)
            assert answer.status_code == 200, (door, answer.text)
            is_own = Shard(number, COUNT).holds(reader)
            assert answer.headers.get_list(FORWARDED_HEADER) == ([] if is_own else [f"{number}/{COUNT}"])
            assert len(answer.headers.get_list("X-Request-ID")) == 1
    count = 'attune_forwarded_requests_total{outcome="answered"}'
    assert [line for line in HTTP.get(f"{both[0]}/metrics").text.splitlines() if line.startswith(count)]


def test_a_row_that_one_shard_stores_counts_in_the_next_answer_of_the_other(both: list[str]) -> None:
    for reader in (MINE, OTHER):
        hide = {"reader": reader, "kind": "hide", "article": "a3", "id": f"h{reader}"}
        assert HTTP.post(f"{both[0]}/v1/events", json={"events": [hide]}).json()["accepted"] == 1
        for address in both:
            shown = [item["id"] for item in HTTP.get(f"{address}/v1/feed/{reader}?preview=true").json()["items"]]
            assert len(shown) == 11
            assert "a3" not in shown


def test_requests_that_need_no_state_of_a_reader_are_not_sent_on(both: list[str]) -> None:
    for answer in (
        HTTP.get(f"{both[0]}/v1/trending"),
        HTTP.get(f"{both[0]}/v1/readers/{OTHER}/export"),
        HTTP.put(f"{both[0]}/v1/readers/{OTHER}/learning", json={"paused": True}),
        HTTP.post(f"{both[0]}/v1/rank", json={"history": ["a1"], "candidates": ["a1", "a2"]}),
        HTTP.post(f"{both[0]}/api/session/recommend", json=[]),
        HTTP.delete(f"{both[0]}/v1/readers/{OTHER}"),
    ):
        assert answer.status_code == 200, answer.text
        assert FORWARDED_HEADER not in answer.headers


def test_ids_with_slashes_and_space_reach_the_same_reader(both: list[str]) -> None:
    readers = [f"a/b%2Fc søren {n}" for n in range(6)]
    assert len({Shard(0, COUNT).holds(reader) for reader in readers}) == COUNT
    for reader in readers:
        path = f"/v1/feed/{quote(reader, safe='/')}"
        strange = {"X-Name": "sø".encode("latin-1")}
        answers = [HTTP.get(f"{address}{path}", params={"preview": True}, headers=strange) for address in both]
        assert {answer.json()["reader"] for answer in answers} == {reader}, path


def test_a_cursor_continues_in_the_shard_of_its_reader(both: list[str]) -> None:
    first = HTTP.get(f"{both[0]}/v1/feed/{OTHER}", params={"limit": 5, "explore": 0}).json()
    second = HTTP.get(f"{both[0]}/v1/feed/{OTHER}", params={"cursor": first["cursor"]})
    assert second.status_code == 200
    assert not {item["id"] for item in first["items"]} & {item["id"] for item in second.json()["items"]}


def test_a_request_is_sent_on_at_most_once(both: list[str]) -> None:
    answer = HTTP.get(f"{both[0]}/v1/feed/{OTHER}", headers={FORWARDED_HEADER: "<script>"})
    assert answer.status_code == 503
    assert "already sent on by shard unknown" in answer.json()["detail"]
    assert HTTP.get(f"{both[0]}/v1/feed/{MINE}", headers={FORWARDED_HEADER: "1/2"}).status_code == 200


def test_keys_and_errors_are_those_of_the_shard_that_answers(
    where: Place, both: list[str], new_key: Callable[..., str]
) -> None:
    token = new_key(Scope.READ)
    time.sleep(0.6)  # keys are read again
    answer = HTTP.get(f"{both[0]}/v1/feed/{OTHER}", headers=bearer(token))
    assert answer.status_code == 200
    assert FORWARDED_HEADER in answer.headers
    wrong = HTTP.get(f"{both[0]}/v1/feed/{OTHER}?cursor=none", headers=bearer(token))
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
    refused = HTTP.get(f"{both[0]}/v1/feed/{OTHER}", headers=bearer("att_wrong"))
    assert (refused.status_code, FORWARDED_HEADER in refused.headers) == (401, False)


def test_a_form_of_the_console_is_sent_on(both: list[str], new_key: Callable[..., str]) -> None:
    key = new_key(Scope.ADMIN)
    time.sleep(0.6)  # keys are read again
    with httpx.Client(base_url=both[0], timeout=60) as browser:
        assert browser.post("/console/sign-in", data={"key": key}).status_code == 303
        found = re.search(r'name="form_token" value="(\w+)"', browser.get("/console/readers").text)
        assert found is not None
        page = browser.post("/console/readers", data={"form_token": found[1], "reader": OTHER})
        assert (page.status_code, page.headers[FORWARDED_HEADER]) == (200, "0/2")
        assert page.headers["Content-Security-Policy"].startswith("default-src")
        assert OTHER in page.text


def test_a_request_on_a_connection_that_a_stopping_shard_closes_is_sent_again(where: Place) -> None:
    shards = Shards(where)
    rank = {"reader": OTHER, "candidates": ["a1", "a2"]}
    with shards.start(0) as address:
        for _ in range(2):  # the second time, the pool has a connection to the first one
            with shards.start(1):
                assert HTTP.post(f"{address}/v1/rank", json=rank).status_code == 200


def test_a_shard_that_starts_again_is_waited_for(where: Place) -> None:
    shards = Shards(where)
    with shards.start(0) as address, ExitStack() as later:
        found: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: found.append(HTTP.get(f"{address}/v1/feed/{OTHER}")))
        asking.start()
        time.sleep(0.5)
        later.enter_context(shards.start(1))
        asking.join(30)
        assert found[0].status_code == 200


@pytest.mark.parametrize(
    ("changes", "fix"),
    [({"shard_patience": 0.3}, "start it, or correct its address"), ({"shard_peers": ""}, "ATTUNE_SHARD_PEERS")],
)
def test_without_the_other_shard_a_request_is_refused_with_the_fix(
    where: Place, changes: dict[str, Any], fix: str
) -> None:
    with Shards(where).start(0, **changes) as address:
        answer = HTTP.get(f"{address}/v1/feed/{OTHER}")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert fix in answer.json()["detail"]
        assert OTHER not in answer.text
        assert HTTP.get(f"{address}/v1/feed/{MINE}").status_code == 200
        assert HTTP.get(f"{address}/readyz").json()["shard"] == "0/2"


@pytest.mark.parametrize(
    ("shard", "peers"), [("0/2", "http://a:1"), ("", "http://a:1,http://b:1"), ("0/2", "a:1,b:1"), ("2/2", "")]
)
def test_shards_that_cannot_be_are_refused_at_the_start(shard: str, peers: str) -> None:
    settings = Settings(shard=shard, shard_peers=peers, _env_file=None)  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match=r"shard|ATTUNE_SHARD_PEERS"):
        peer_addresses(settings)
