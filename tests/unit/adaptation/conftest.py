"""The tiny encoder is written once for all tests."""

from pathlib import Path

import pytest

from recsys.settings import Settings
from tests.tiny_encoder import write_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny-multilingual-e5")


@pytest.fixture
def settings(tiny: Path) -> Settings:
    return Settings(encoder=str(tiny), device="cpu", database_patience=60, index="exact", _env_file=None)
