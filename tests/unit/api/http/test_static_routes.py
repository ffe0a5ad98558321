"""Browser code as pages of publishers load it."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable

import pytest

from api.application.scopes import Scope
from api.http.web_files import CLIENT, tracker, web_files
from tests.unit.api.conftest import MakeClient

TYPES = {"js": "text/javascript", "mjs": "text/javascript", "css": "text/css", "map": "application/json"}


@pytest.mark.parametrize(("name", "most"), [("attune.js", 4_096), ("attune-feed.js", 8_192)])
def test_code_in_pages_of_publishers_is_small_when_compressed(name: str, most: int) -> None:
    assert len(gzip.compress(web_files()[name].body, 9)) <= most


@pytest.mark.parametrize(
    "name",
    [
        "attune.js",
        tracker().versioned,
        "attune.js.map",
        "attune-feed.js",
        "pages.css",
        "pages.css.map",
        CLIENT,
        web_files()[CLIENT].versioned,
    ],
)
def test_files_are_open_to_every_origin_without_a_key(
    serve: MakeClient, new_key: Callable[..., str], name: str
) -> None:
    new_key(Scope.READ)
    answer = serve(cors_origins="https://other.example").get(
        f"/static/{name}", headers={"Origin": "https://news.example"}
    )
    assert answer.status_code == 200
    assert answer.content == web_files()[name].body
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].startswith(TYPES[name.rpartition(".")[2]])


def test_only_the_versioned_name_is_kept_for_ever(serve: MakeClient) -> None:
    client = serve()
    assert client.get("/static/attune.js").headers["cache-control"] == "public, max-age=300"
    versioned = client.get(f"/static/{tracker().versioned}")
    assert versioned.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_file_that_has_not_changed_is_not_sent_again(serve: MakeClient) -> None:
    client = serve()
    first = client.get("/static/attune.js")
    again = client.get("/static/attune.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["access-control-allow-origin"] == "*"
    assert client.get("/static/attune.js", headers={"If-None-Match": '"older"'}).status_code == 200


def test_files_are_compressed_for_clients_that_take_it(serve: MakeClient) -> None:
    client = serve()
    assert client.get("/static/attune.js", headers={"Accept-Encoding": "br, gzip"}).headers[
        "content-encoding"
    ] == ("gzip")
    plain = client.get("/static/attune.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"


def test_the_named_hash_is_that_of_the_named_file(serve: MakeClient) -> None:
    client = serve()
    named = client.get("/static/attune.json").json()
    body = client.get(named["src"]).content
    assert named["integrity"] == f"sha384-{base64.b64encode(hashlib.sha384(body).digest()).decode()}"


@pytest.mark.parametrize("name", ["attune-0.0.1-00000000.js", "..%2fapp.py", "attune.ts", "package.json"])
def test_other_names_are_not_found(serve: MakeClient, name: str) -> None:
    answer = serve().get(f"/static/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_source_map_holds_the_sources_and_no_path_of_the_machine_that_built_it() -> None:
    assert tracker().body.rstrip().endswith(b"//# sourceMappingURL=attune.js.map")
    sources = json.loads(web_files()["attune.js.map"].body)["sources"]
    assert "../tracker/attune.ts" in sources
    assert all(source.startswith("../tracker/") for source in sources)
