"""Options that several commands share, and the values they stand for."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from recsys.errors import ConfigError
from recsys.settings import Settings, load_settings

DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", help="SQLAlchemy URL  [env: ATTUNE_DATABASE_URL]", show_default=False),
]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home", help="Folder of bundles, snapshots and reject files  [env: ATTUNE_HOME]", show_default=False
    ),
]


def settings_from(database_url: str | None, home: Path | None) -> Settings:
    """The environment's settings, with flags on top."""
    return load_settings(database_url=database_url, home=home)


def moment(text: str | None, option: str) -> int | None:
    """ISO 8601 → microseconds; naive times are UTC.

    Raises:
        ConfigError: the text is not a time.
    """
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is not a time such as 2023-05-24T07:00") from error
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return round(aware.timestamp()) * 1_000_000 + aware.microsecond
