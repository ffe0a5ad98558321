"""The real text encoder, loaded once, and small random vision and speech encoders on the hook."""

import pytest

from recsys.encoder.bert import TextEncoder
from tests.unit.calibration.models import Model, speech, vision


@pytest.fixture(scope="session")
def encoder() -> TextEncoder:
    return TextEncoder(device="cpu")


@pytest.fixture(scope="module", params=["vision", "speech"])
def other(request: pytest.FixtureRequest) -> Model:
    """A model that is no text encoder: each in turn."""
    return vision() if request.param == "vision" else speech()
