"""Metrics for Prometheus, and the alert rules that use them."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

import api.app
from api.app import create_app
from api.http.prometheus_metrics import registry_of
from recsys.calibration.monitoring_stats import PAGE_PSI, WARN_PSI, MonitoringStats
from recsys.errors import StoreError
from recsys.feed.feed_metrics import STAGES
from recsys.feed.retrieval import SOURCES
from recsys.serving import background_jobs
from recsys.store import feed_sources
from recsys.store.feed_sources import FeedSource
from tests.trained import HashEncoder, place

ROOT = Path(__file__).parents[4]
RULES = [
    rule
    for name in ("attention", "service")
    for group in yaml.safe_load((ROOT / f"docs/monitoring/{name}-alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]

FULL_SYSTEM = MonitoringStats(
    total=1_500,
    texts=1_000,
    score_p50=0.5,
    score_p99=2.5,
    flag_rate=0.0625,
    gated_share=0.25,
    entropy_psi=np.asarray([[0.125, 0.25], [0.0, 0.5]]),
    received_kl=0.03125,
    seconds_per_text=0.001,
    breaker=None,
)


def samples(stats: MonitoringStats | None) -> dict[str, float]:
    """Sample with its labels → value, of what belongs to attention."""
    text = generate_latest(registry_of(lambda: stats)).decode()
    return {
        f"{sample.name}{[sample.labels[label] for label in sorted(sample.labels, reverse=True)]}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("attune_")
    }


def test_every_gauge_is_reported() -> None:
    assert samples(FULL_SYSTEM) == {
        "attune_attention_window_texts[]": 1_000,
        "attune_attention_texts_total[]": 1_500,
        "attune_attention_score['0.5']": 0.5,
        "attune_attention_score['0.99']": 2.5,
        "attune_attention_flagged_words_ratio[]": 0.0625,
        "attune_attention_gated_texts_ratio[]": 0.25,
        "attune_attention_entropy_psi['0', '0']": 0.125,
        "attune_attention_entropy_psi['0', '1']": 0.25,
        "attune_attention_entropy_psi['1', '0']": 0.0,
        "attune_attention_entropy_psi['1', '1']": 0.5,
        "attune_attention_received_kl[]": 0.03125,
        "attune_attention_added_seconds[]": 0.001,
        "attune_attention_breaker_open[]": 0,
    }


def test_unknown_figures_are_left_out() -> None:
    assert samples(None) == {}
    few = samples(MonitoringStats(total=0, texts=0, breaker="a flood"))
    assert few == {
        "attune_attention_window_texts[]": 0,
        "attune_attention_texts_total[]": 0,
        "attune_attention_breaker_open[]": 1,
    }


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
    with TestClient(create_app(place(tmp_path).settings)) as opened:
        yield opened


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_metric_of_the_alert_rules_is_there(client: TestClient, rule: dict[str, Any]) -> None:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.text))
    names = {family.name for family in families} | {each.name for family in families for each in family.samples}
    requested = set(re.findall(r"\battune_\w+", rule["expr"]))
    assert requested
    assert requested <= names
    assert rule["labels"]["severity"] in ("warn", "page")
    assert rule["annotations"].keys() == {"summary", "action"}


def test_the_alert_rules_and_the_alerts_in_the_log_have_the_same_limits() -> None:
    limits = {
        rule["labels"]["severity"]: float(rule["expr"].split(">")[1]) for rule in RULES if "psi" in rule["expr"]
    }
    assert limits == {"warn": WARN_PSI, "page": PAGE_PSI}


def test_process_figures_are_reported_and_apps_share_none(client: TestClient) -> None:
    text = client.get("/metrics").text
    assert "process_resident_memory_bytes" in text
    assert "python_info{" in text
    assert "attune_attention_breaker_open 0" not in text, "there is no calibrator"
    assert "attune_attention_breaker_open 0" in generate_latest(registry_of(lambda: FULL_SYSTEM)).decode()


def test_sources_are_counted_by_state_with_their_last_success(client: TestClient) -> None:
    assert 'attune_sources{state="failing"} 0.0' in client.get("/metrics").text
    database = client.app.state.application.feed.database  # type: ignore[attr-defined]
    with database.write() as connection:
        works = FeedSource(url="a", interval=900, next_at=1, checked_at=7_000_000)
        feed_sources.add(connection, [works, FeedSource(url="b", interval=900, next_at=1, failures=1)])
    text = client.get("/metrics").text
    assert 'attune_sources{state="working"} 1.0' in text and 'attune_sources{state="failing"} 1.0' in text
    assert "attune_sources_last_success_seconds 7.0" in text


def test_every_metric_is_documented() -> None:
    text = (ROOT / "docs/monitoring.md").read_text()
    for name in {key.split("[")[0].removeprefix("attune_attention_") for key in samples(FULL_SYSTEM)}:
        assert f"`{name}" in text


def test_feeds_tell_their_stages_and_where_articles_came_from(client: TestClient) -> None:
    article = {"id": "a", "title": "One", "published_at": "2024-01-01T00:00:00Z"}
    client.post("/v1/articles", json={"articles": [article]}).raise_for_status()
    service = client.app.state.application.feed  # type: ignore[attr-defined]
    service.live.refresh_articles()
    client.get("/v1/feed/r").raise_for_status()
    text = client.get("/metrics").text
    for stage in STAGES:
        assert f'attune_feed_stage_seconds_count{{stage="{stage}"}} 1.0' in text
        assert f'attune_feed_stage_seconds_bucket{{le="+Inf",stage="{stage}"}} 1.0' in text
    shown = re.findall(r'attune_feed_shown_total{source="(\w+)"} (\S+)', text)
    assert [source for source, _ in shown] == list(SOURCES)
    assert sum(float(value) for _, value in shown) == 1


def test_a_recovery_that_fails_fires_its_alert_until_it_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
    monkeypatch.setattr(background_jobs, "_PROBE_SECONDS", 0.02)
    (rule,) = (rule for rule in RULES if rule["alert"] == "AttuneSpoolNotStored")
    name, value = rule["expr"].split(" == ")

    def fires() -> bool:
        return f"{name} {float(value)}\n" in client.get("/metrics").text

    with TestClient(create_app(place(tmp_path).settings)) as client:
        assert not fires()
        with monkeypatch.context() as broken:
            broken.setattr(background_jobs, "store_spooled", _refused)
            client.app.state.application.feed.database.circuit.trip("it went away")  # type: ignore[attr-defined]
            _until(fires)
            assert "attune_degraded 1.0\n" in client.get("/metrics").text
        _until(lambda: not fires())
        assert "attune_degraded 0.0\n" in client.get("/metrics").text


def _refused(*_: object) -> int:
    raise StoreError("the log refuses a slate")


def _until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
