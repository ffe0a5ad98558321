"""Fixtures shared by all tests: a database on each backend, and the real data folder where it is present."""

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

# threads that spin while they wait for each other starve the tests beside them; read when OpenMP is loaded
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers alone keep all cores busy
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"  # no test may depend on a model hub

import hypothesis
import pytest

from recsys.store.database import Database, open_database
from tests.migrated import postgres_template, sqlite_url
from tests.postgres import DatabasePool, fresh_postgres, postgres_server

if TYPE_CHECKING:
    from tests.trained import Place

# the time of an example depends on the machine, not on the code
hypothesis.settings.register_profile("attune", deadline=None, max_examples=50)
hypothesis.settings.load_profile("attune")

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests that share a fixture of their module on one worker, so that it is made once."""
    for item in items:
        made = getattr(item, "_fixtureinfo").name2fixturedefs.values()  # noqa: B009 - it has no public name
        if any(each[-1].scope == "module" for each in made) and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def pytest_collection_finish() -> None:
    """Leave all that is loaded out of garbage collection, which took a tenth of the processor time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(scope="session")
def postgres_admin_url() -> Iterator[str]:
    """URL of a running PostgreSQL: the one on this machine, else one that the tests start for themselves."""
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database, on each backend in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'attune.db'}"
    else:
        with fresh_postgres(request.getfixturevalue("postgres_admin_url")) as url:
            yield url


@pytest.fixture(scope="session")
def postgres_pool(postgres_admin_url: str) -> Iterator[DatabasePool]:
    """PostgreSQL databases with the schema."""
    with postgres_template(postgres_admin_url) as name, closing(DatabasePool(postgres_admin_url, name)) as pool:
        yield pool


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with its schema, on each backend in turn."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = sqlite_url(tmp_path)
        else:
            url = stack.enter_context(request.getfixturevalue("postgres_pool").database())
        opened = stack.enter_context(closing(open_database(url)))
        yield opened


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """An empty embedded database with its schema."""
    opened = open_database(sqlite_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random BERT of four layers that reads the words of the small world."""
    from tests.tiny_encoder import write_tiny  # imports here: most tests need neither, and training takes seconds

    return write_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> "Place":
    """The small world in a database, and a bundle trained on all but its last day. Copy it to change it."""
    from tests.trained import HashEncoder, last_day, populated, train_quickly

    made = populated(tmp_path_factory.mktemp("trained"))
    train_quickly(made, HashEncoder(), until=last_day())
    return made


@pytest.fixture(scope="session")
def ebnerd() -> Path:
    """The EB-NeRD demo folder; tests that need it skip where it is absent."""
    return _data("ebnerd-demo")


@pytest.fixture(scope="session")
def mind_sample() -> Path:
    """The MIND sample folder; tests that need it skip where it is absent."""
    return _data("mind-sample")


def _data(name: str) -> Path:
    if not (DATA / name).is_dir():
        pytest.skip(f"the {name} data set is not on this machine (looked in ../shared/data)")
    return DATA / name
