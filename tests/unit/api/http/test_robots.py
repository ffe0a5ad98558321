"""User agents that declare a robot, and those of readers and of publishers' own software."""

import pytest
from starlette.requests import Request

from api.http.robots import is_prefetch, is_robot


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.1; +https://openai.com/gptbot)",
        "Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0 Safari/537.36",
    ],
)
def test_declared_robots_are_recognised(agent: str) -> None:
    assert is_robot(request(user_agent=agent))


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.5 Mobile/15E148 Safari/604.1",
        "python-httpx/0.28.1",
        "okhttp/4.12.0",
        "",
    ],
)
def test_readers_apps_and_servers_of_publishers_are_no_robots(agent: str) -> None:
    assert not is_robot(request(user_agent=agent))


def test_every_header_of_a_prefetch_is_recognised() -> None:
    assert is_prefetch(request(sec_purpose="prefetch;prerender"))
    assert is_prefetch(request(purpose="prefetch"))
    assert not is_prefetch(request(sec_purpose="", purpose="preview"))
