"""Errors of a command whose Ray cluster is not there."""

import sys

import pytest

from recsys.errors import ConfigError
from recsys.executors.ray_cluster import connected


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:10001", "head", "127.0.0.1:99999999"])
def test_an_address_without_a_cluster_is_refused_at_once(address: str) -> None:
    with pytest.raises(ConfigError, match="`ray start --head` starts a cluster"), connected(address):
        pass


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'attune-feed\[scale\]'"), connected("local"):
        pass
