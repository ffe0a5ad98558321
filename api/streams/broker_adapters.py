"""Addresses of brokers → adapters. The library of a broker is imported only when its scheme is used."""

from collections.abc import Callable

from api.streams.broker_address import BrokerAddress
from api.streams.stream_broker import Broker
from recsys.errors import ConfigError


def broker_at(address: BrokerAddress, prefetch: int) -> Broker:
    """Return the adapter of an address, not connected yet. prefetch: most messages of a batch.

    Raises:
        ConfigError: the library of the broker is not installed.
    """
    try:
        return _ADAPTERS[address.kind](address, prefetch)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{address.kind}:// needs the library {error.name}: pip install 'attune-feed[stream]'"
        ) from error


def _nats(address: BrokerAddress, _prefetch: int) -> Broker:
    from api.streams.nats_broker import NatsBroker

    return NatsBroker(address)


def _redis(address: BrokerAddress, _prefetch: int) -> Broker:
    from api.streams.redis_broker import RedisBroker

    return RedisBroker(address)


def _amqp(address: BrokerAddress, prefetch: int) -> Broker:
    from api.streams.rabbit_broker import RabbitBroker

    return RabbitBroker(address, prefetch)


def _kafka(address: BrokerAddress, _prefetch: int) -> Broker:
    from api.streams.kafka_broker import KafkaBroker

    return KafkaBroker(address)


_ADAPTERS: dict[str, Callable[[BrokerAddress, int], Broker]] = {
    "nats": _nats,
    "redis": _redis,
    "amqp": _amqp,
    "kafka": _kafka,
}
