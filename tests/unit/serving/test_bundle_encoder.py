"""A calibrated encoder whose calibrator is in the encoding process gives what one in this process gives."""

from pathlib import Path

import numpy as np
import pytest

from recsys.encoder.article_text import ArticleText
from recsys.models import bundle
from recsys.models.calibrator_io import CalibratorFile, article_encoder, find_calibrator
from recsys.serving.bundle_encoder import CalibratedApart
from recsys.serving.encoding_process import EncodingProcess
from recsys.serving.encoding_worker import Encoders, Encoding, EncodingJob
from tests.calibrated import eager, with_calibration
from tests.trained import HashEncoder, Place

TEXTS = [ArticleText("sport: One", "sport"), ArticleText("world: Two", "world", "Of the world")]


class WithoutPipe(EncodingProcess):
    """Does the work of the encoding process in this one, so that no test waits for torch."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.settings, make=lambda _: HashEncoder())
        self.encoders = Encoders(HashEncoder())

    def run(self, job: EncodingJob) -> Encoding:
        return self.encoders.run(job)


@pytest.fixture
def calibrated(trained: Place, tmp_path: Path) -> tuple[WithoutPipe, CalibratorFile]:
    place = trained.copy(tmp_path / "copy")
    with_calibration(place, eager(), "with")
    found = find_calibrator(bundle.load(place.home, "with"))
    assert found is not None
    return WithoutPipe(place), found


def test_vectors_and_figures_are_those_of_one_process(calibrated: tuple[WithoutPipe, CalibratorFile]) -> None:
    process, file = calibrated
    apart, here = CalibratedApart(process, file), article_encoder(HashEncoder(), file.read())
    assert apart.name == here.name != process.name
    expected, found = here.encode(TEXTS), apart.encode(TEXTS)
    assert found.vectors.keys() == expected.vectors.keys() == {apart.name, process.name}
    for name, vectors in expected.vectors.items():
        np.testing.assert_array_equal(found.vectors[name], vectors)
    assert apart.stats().total == len(TEXTS)
    process.encoders = Encoders(HashEncoder())  # as after a restart
    apart.encode(TEXTS)
    apart.encode(TEXTS[:1])
    assert apart.stats().total == 2 * len(TEXTS) + 1


def test_a_breaker_that_opened_stays_open_after_a_restart(calibrated: tuple[WithoutPipe, CalibratorFile]) -> None:
    process, file = calibrated
    apart = CalibratedApart(process, file)
    apart.encode(TEXTS)
    process.encoders.monitors[-1]._breaker.trip("by hand")
    assert apart.encode(TEXTS).vectors.keys() == {process.name}
    process.encoders = Encoders(HashEncoder())
    assert apart.name == process.name
    assert apart.encode(TEXTS).vectors.keys() == {process.name}
    assert apart.stats().breaker == "by hand"
