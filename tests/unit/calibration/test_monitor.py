"""The figures are those of the newest texts, and alerts say what is new."""

import numpy as np
import pytest

from recsys.calibration.breaker import WINDOW, Breaker
from recsys.calibration.calibrator import Calibrator
from recsys.calibration.drift import ENTROPY, LEAST, received_kl
from recsys.calibration.listener import ObservedBatch
from recsys.calibration.monitor import Monitor
from recsys.calibration.monitoring_stats import MonitoringStats
from tests.calibrated import eager
from tests.unit.calibration.observations import normal


@pytest.fixture(scope="module")
def calibrator() -> Calibrator:
    return eager().calibrator


def reading(calibrator: Calibrator, texts: int, seed: int, seconds: float = 1.0) -> ObservedBatch:
    seen = normal(texts, seed)
    found = calibrator.inspect(seen)
    return ObservedBatch(seen, found, calibrator.plan(found), seconds)


def test_before_the_first_text_nothing_is_known(calibrator: Calibrator) -> None:
    stats = Monitor(calibrator.profile, Breaker(1.0)).stats()
    assert stats == MonitoringStats(total=0, texts=0)
    assert stats.alert is None


def test_the_figures_are_those_of_all_texts_of_the_window(calibrator: Calibrator) -> None:
    monitor = Monitor(calibrator.profile, Breaker(1.0))
    readings = [reading(calibrator, texts, seed, seconds) for texts, seed, seconds in ((30, 1, 3.0), (10, 2, 5.0))]
    for each in readings:
        monitor.saw(each)
    stats = monitor.stats()
    scores = np.concatenate([each.found.score for each in readings])
    flagged = sum(int(each.found.flagged.sum()) for each in readings)
    words = sum(int((each.found.lengths - 2).sum()) for each in readings)
    assert (stats.total, stats.texts) == (40, 40)
    assert stats.score_p50 == pytest.approx(np.median(scores))
    assert stats.score_p99 == pytest.approx(np.quantile(scores, 0.99))
    assert stats.flag_rate == pytest.approx(flagged / words)
    assert stats.gated_share == 1.0
    assert stats.seconds_per_text == pytest.approx(8.0 / 40)
    kl = np.concatenate([received_kl(each.seen, each.plan) for each in readings])
    assert stats.received_kl == pytest.approx(kl.mean())
    assert kl.mean() > 0
    assert stats.entropy_psi is None, f"fewer than {LEAST} texts"


def test_only_the_newest_texts_count(calibrator: Calibrator) -> None:
    monitor, alone = (Monitor(calibrator.profile, Breaker(1.0)) for _ in range(2))
    monitor.saw(reading(calibrator, 500, seed=1, seconds=1e6))
    for seed in (2, 3):
        for each in (monitor, alone):
            each.saw(reading(calibrator, WINDOW // 2, seed))
    whole, newest = monitor.stats(), alone.stats()
    assert (whole.total, whole.texts) == (500 + WINDOW, WINDOW)
    assert whole.score_p99 == newest.score_p99
    assert whole.seconds_per_text == newest.seconds_per_text
    np.testing.assert_array_equal(whole.entropy_psi, newest.entropy_psi)


def test_texts_of_another_kind_are_reported_as_drift(calibrator: Calibrator) -> None:
    monitor = Monitor(calibrator.profile, Breaker(1.0))
    usual, strange = reading(calibrator, LEAST, seed=1), reading(calibrator, WINDOW, seed=2)
    monitor.saw(usual)
    calm = monitor.stats().max_drift
    strange.seen.heads[..., ENTROPY] *= 0.5
    monitor.saw(strange)
    drifted = monitor.stats()
    assert calm is not None
    assert calm < 0.3 < drifted.max_drift
    assert drifted.alert == "page: the entropy of a head drifted, PSI above 0.3"


def test_an_open_breaker_is_reported(calibrator: Calibrator) -> None:
    breaker = Breaker(1.0)
    monitor = Monitor(calibrator.profile, breaker)
    breaker.trip("by zero")
    assert monitor.stats().alert == "page: calibration is switched off: by zero"


@pytest.mark.parametrize(("psi", "level"), [(0.2, None), (0.21, "warn"), (0.3, "warn"), (0.31, "page")])
def test_drift_warns_and_then_pages(psi: float, level: str | None) -> None:
    alert = MonitoringStats(total=1, texts=1, entropy_psi=np.asarray([[0.0, psi]])).alert
    assert alert is None if level is None else alert is not None and alert.startswith(f"{level}: ")


def test_an_alert_stays_the_same_while_nothing_is_new() -> None:
    first, second = (
        MonitoringStats(total=n, texts=n, entropy_psi=np.asarray([[0.31 + n / 100]])).alert for n in (1, 2)
    )
    assert first == second
