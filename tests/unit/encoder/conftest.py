"""The encoder's weights are loaded once for all tests."""

import pytest

from recsys.encoder.bert import TextEncoder


@pytest.fixture(scope="session")
def encoder() -> TextEncoder:
    return TextEncoder(device="cpu")
