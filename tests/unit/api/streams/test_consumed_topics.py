"""Topics to consume: checked together before anything starts, and never shown with their secrets."""

import sys

import pytest
from pydantic import SecretStr

from api.streams.consumed_topics import consumed_topics, only_url
from recsys.errors import ConfigError
from recsys.settings import Settings, load_settings, origins, without_secrets


def test_each_url_is_a_topic_with_its_group() -> None:
    found = consumed_topics(["nats://h/clicks?group=a", "redis://h:6379/1"], "--consume")
    assert [(each.kind, each.topic, each.group) for each in found] == [
        ("nats", "clicks", "a"),
        ("redis", "attune.ingest", "attune"),
    ]


def test_two_consumers_of_one_group_are_refused() -> None:
    consumed_topics(["nats://h/clicks?group=a", "nats://h/clicks?group=b"], "--consume")
    with pytest.raises(ConfigError, match="--consume names nats://h") as refused:
        consumed_topics(["nats://u:s3cret@h/clicks", "nats://other:s3cret@h?topic=clicks"], "--consume")
    assert "s3cret" not in str(refused.value)


def test_a_missing_library_is_an_error_that_names_setting_and_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "api.streams.nats_broker", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "nats"] or ["nats"]:
        monkeypatch.setitem(sys.modules, name, None)  # type: ignore[arg-type]  # so an import fails
    with pytest.raises(ConfigError, match=r"^ATTUNE_CONSUME: nats:// .* pip install 'attune-feed\[stream\]'"):
        consumed_topics(["nats://h"], "ATTUNE_CONSUME")


def test_the_setting_lists_urls_and_hides_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_CONSUME", " nats://token@h/clicks ,,redis://u:s3cret@h?topic=reads")
    settings = load_settings()
    assert settings.consume_urls == ("nats://token@h/clicks", "redis://u:s3cret@h?topic=reads")
    (shown,) = (each.value for each in origins(settings) if each.variable == "ATTUNE_CONSUME")
    assert "token" not in shown
    assert "s3cret" not in shown
    assert "consume" not in without_secrets(settings)


def test_a_command_of_one_topic_takes_it_from_the_setting_if_that_has_only_one() -> None:
    one = Settings(consume=SecretStr("nats://h/clicks"), _env_file=None)  # type: ignore[call-arg]
    assert only_url(one.consume_urls) == "nats://h/clicks"
    with pytest.raises(ConfigError, match="set ATTUNE_CONSUME"):
        only_url(())
    with pytest.raises(ConfigError, match="attune run"):
        only_url(("nats://h/a", "nats://h/b"))
