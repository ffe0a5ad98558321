"""URLs of brokers: topic, group, and what may be shown."""

import sys

import pytest

from api.streams.broker_adapters import broker_at
from api.streams.broker_address import BrokerAddress, parse_address
from recsys.errors import ConfigError


def parsed(url: str, topic: str | None = None, group: str | None = None) -> BrokerAddress:
    return parse_address(url, topic=topic, group=group, default_topic="default")


@pytest.mark.parametrize(
    ("url", "topic", "server"),
    [
        ("nats://h:4222", "default", "nats://h:4222"),
        ("nats://h:4222/clicks", "clicks", "nats://h:4222"),
        ("nats://h?topic=news.clicks", "news.clicks", "nats://h"),
        ("redis://h:6379/2?topic=clicks", "clicks", "redis://h:6379/2"),
        ("amqp://u:p@h/vhost?topic=clicks", "clicks", "amqp://u:p@h/vhost"),
        ("kafka://h:9092/clicks", "clicks", "kafka://h:9092"),
    ],
)
def test_the_topic_is_in_the_query_or_in_a_path_that_means_nothing_else(url: str, topic: str, server: str) -> None:
    found = parsed(url)
    assert (found.topic, found.url, found.group) == (topic, server, "attune")


def test_options_count_more_than_the_url() -> None:
    found = parsed("nats://h/clicks?group=a", topic="reads", group="b")
    assert (found.topic, found.group) == ("reads", "b")


def test_no_password_is_shown() -> None:
    assert parsed("amqp://user:s%40cret@h:5672/v?topic=clicks").shown == "amqp://h:5672/v?topic=clicks"


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://h", "nats://, redis://, amqp:// or kafka://"),
        ("nats:///clicks", "HOST:PORT"),
        ("nats://h?subject=x", "'subject'"),
        ("nats://h?topic=a.*", "wildcard"),
        ("nats://h:port/x", "HOST:PORT"),
    ],
)
def test_a_wrong_url_is_an_error_that_names_the_fix(url: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named.replace("*", r"\*")):
        parsed(url)


@pytest.mark.parametrize(
    ("url", "library"),
    [("nats://h", "nats"), ("redis://h", "redis"), ("amqp://h", "aiormq"), ("kafka://h", "aiokafka")],
)
def test_a_missing_library_is_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, url: str, library: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("api.streams.") and name.endswith("_broker")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == library] or [library]:
        monkeypatch.setitem(sys.modules, name, None)  # type: ignore[arg-type]  # so an import fails
    with pytest.raises(ConfigError, match=r"pip install 'attune-feed\[stream\]'"):
        broker_at(parsed(url), 10)
