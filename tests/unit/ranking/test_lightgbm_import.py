import subprocess
import sys
from pathlib import Path

HEAVY = "print(sorted({'sklearn', 'torch', 'transformers', 'scipy.stats'} & set(sys.modules)))"
SERVED = """
import sys
from fastapi.testclient import TestClient
from api.worker import make
with TestClient(make()) as client:
    assert client.get("/v1/feed/r1").status_code == 200
import recsys.user_model.network_matcher, recsys.user_model.match_explanation
"""


def printed_by(program: str, home: Path | None = None) -> str:
    named = {} if home is None else {"ATTUNE_DATABASE_URL": f"sqlite:///{home}/a.db", "ATTUNE_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=named)
    return done.stdout.strip()


def test_a_service_that_answers_has_loaded_neither_torch_nor_scikit_learn(tmp_path: Path) -> None:
    assert printed_by(SERVED + HEAVY, tmp_path).endswith("[]")


def test_scikit_learn_can_be_imported_afterwards() -> None:
    program = "import sys; from recsys.ranking.lightgbm_import import lgb; assert 'sklearn' not in sys.modules; "
    assert "sklearn" in printed_by(program + "import sklearn.metrics; " + HEAVY)


def test_scikit_learn_stays_if_it_is_loaded() -> None:
    program = "import sys, sklearn; from recsys.ranking.lightgbm_import import lgb; "
    assert "sklearn" in printed_by(program + "assert sys.modules['sklearn'] is sklearn; " + HEAVY)
