"""An application without a running service, as a command has it."""

from pathlib import Path

from api.application.context import Application
from recsys.serving.clock import Clock
from recsys.serving.log_writer import LogWriter
from recsys.settings import Settings
from recsys.store.database import Database
from tests.trained import HashEncoder


def application(database: Database, home: Path = Path("var")) -> Application:
    """An application over `database`."""
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    clock = Clock()
    writer = LogWriter(database, clock)
    return Application(database=database, settings=settings, encoder=HashEncoder(), writer=writer, clock=clock)
