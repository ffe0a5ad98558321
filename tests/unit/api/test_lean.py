import subprocess
import sys

import pytest

from api import lean


def loaded_by(program: str) -> str:
    code = f"import sys; {program}; print(sorted({{'sklearn', 'torch', 'transformers'}} & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_service_loads_neither_torch_nor_scikit_learn() -> None:
    started = "import api.worker as w; w.lean.import_lightgbm(); import api.app, recsys.feed.trained"
    assert loaded_by(started) == "[]"


def test_scikit_learn_can_be_imported_afterwards() -> None:
    assert loaded_by("from api import lean; lean.import_lightgbm(); import sklearn.metrics") == "['sklearn']"


def test_where_scikit_learn_is_loaded_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    import sklearn

    lean.import_lightgbm()
    assert sys.modules["sklearn"] is sklearn
