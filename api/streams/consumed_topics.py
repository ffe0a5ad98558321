"""Topics that `attune run` and `attune consume` read: URLs, checked before anything starts."""

from collections.abc import Sequence

from api.streams.broker_adapters import broker_at
from api.streams.broker_address import BrokerAddress, parse_address
from recsys.errors import ConfigError

CONSUME_TOPIC = "attune.ingest"
"""Topic that is consumed unless the URL or an option names another one."""


def consumed_topics(urls: Sequence[str], source: str) -> list[BrokerAddress]:
    """Return the addresses of topics to consume. source: option or setting that has the URLs, for messages.

    Raises:
        ConfigError: a URL is wrong, the library of its broker is missing, or a group is to read a topic twice.
    """
    found: list[BrokerAddress] = []
    for url in urls:
        try:
            address = parse_address(url, topic=None, group=None, default_topic=CONSUME_TOPIC)
            broker_at(address, prefetch=1)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from error
        if (address.shown, address.group) in [(other.shown, other.group) for other in found]:
            raise ConfigError(f"{source} names {address.shown} twice: one consumer of a group keeps the order")
        found.append(address)
    return found


def only_url(urls: Sequence[str]) -> str:
    """Return the URL of a command that reads one topic.

    Raises:
        ConfigError: there is none, or several.
    """
    if not urls:
        raise ConfigError("there is no topic to consume: give the URL of a broker, or set ATTUNE_CONSUME")
    if len(urls) > 1:
        raise ConfigError("ATTUNE_CONSUME names several topics: give one URL, or start `attune run`")
    return urls[0]
