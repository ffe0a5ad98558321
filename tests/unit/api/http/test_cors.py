"""Pages of other origins: none by default, and those that are named."""

import pytest

from recsys.errors import ConfigError
from tests.unit.api.conftest import MakeClient

REQUESTED = {
    "Origin": "https://news.example.org",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


def test_no_origin_is_allowed_by_default(serve: MakeClient) -> None:
    client = serve()
    assert client.options("/v1/rank", headers=REQUESTED).status_code == 405
    assert "access-control-allow-origin" not in client.get("/v1/feed/r", headers=REQUESTED).headers


def test_named_origins_may_ask_with_a_key_and_others_may_not(serve: MakeClient) -> None:
    client = serve(cors_origins="https://other.example.org, https://news.example.org")
    before = client.options("/v1/rank", headers=REQUESTED)
    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == REQUESTED["Origin"]
    assert "Authorization" in before.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in before.headers
    assert before.headers["x-request-id"]
    answer = client.get("/v1/feed/r?limit=0", headers=REQUESTED)
    assert answer.status_code == 422
    assert answer.headers["access-control-allow-origin"] == REQUESTED["Origin"]
    stranger = client.get("/v1/feed/r", headers={"Origin": "https://evil.example.org"})
    assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.parametrize("origins", ["news.example.org", "https://a.org/path", "https://a.org,ftp://b", "null"])
def test_a_wrong_origin_is_refused_at_the_start(serve: MakeClient, origins: str) -> None:
    with pytest.raises(ConfigError, match="ATTUNE_CORS_ORIGINS"):
        serve(cors_origins=origins)
