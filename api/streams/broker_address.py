"""Addresses of topics: URLs of brokers with topic and group, and what of them may be shown."""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

from recsys.errors import ConfigError

GROUP = "attune"
"""Default name of the consumer group."""

_SCHEMES = {
    "nats": "nats", "tls": "nats", "redis": "redis", "rediss": "redis", "amqp": "amqp", "amqps": "amqp",
    "kafka": "kafka", "kafkas": "kafka",
}  # fmt: skip
_NO_PATH = ("nats", "kafka")
"""Brokers whose URLs have no path of their own: it names the topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Address of a topic.

    kind: nats, redis, amqp or kafka. url: of the server, with its password. topic: subject, stream, queue or
    topic. group: name of the readers that share one position.
    """

    kind: str
    url: str
    topic: str
    group: str

    @property
    def shown(self) -> str:
        """URL with the topic and without user and password, for logs and as the name of a destination."""
        parts = urlsplit(self.url)
        place = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, place, parts.path, f"topic={quote(self.topic)}", ""))


def parse_address(url: str, *, topic: str | None, group: str | None, default_topic: str) -> BrokerAddress:
    """Parse the URL of a broker: nats://, redis://, amqp:// or kafka://, with `?topic=` and `?group=`.

    topic, group: options, which have priority. The path names the topic of nats:// and kafka://; it is the number
    of the database of redis://, and the virtual host of amqp://.

    Raises:
        ConfigError: the scheme is unknown, the host is missing, or a parameter is unknown.
    """
    parts = urlsplit(url)
    kind = _SCHEMES.get(parts.scheme)
    if kind is None or not parts.hostname or not _has_valid_port(parts):
        raise ConfigError("the URL of a broker is nats://, redis://, amqp:// or kafka://, then HOST:PORT")
    given = dict(parse_qsl(parts.query))
    unknown = given.keys() - {"topic", "group"}
    if unknown:
        raise ConfigError(f"unknown parameter {min(unknown)!r} in the URL: give topic, group or none")
    in_path = unquote(parts.path.strip("/")) if kind in _NO_PATH else ""
    chosen = topic or given.get("topic") or in_path or default_topic
    if any(mark in chosen for mark in "*> \t\r\n\0"):
        raise ConfigError(f"the topic {chosen!r} contains a space or a wildcard: name one topic")
    path = "" if kind in _NO_PATH else parts.path
    server = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return BrokerAddress(kind=kind, url=server, topic=chosen, group=group or given.get("group") or GROUP)


def _has_valid_port(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False
