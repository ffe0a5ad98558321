"""Options that several commands share, and functions for their values."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.application.iso_time import from_iso
from recsys.errors import ConfigError, RequestError
from recsys.settings import Settings, load_settings

if TYPE_CHECKING:
    from recsys.encoder.lazy import LazyEncoder

HIGHEST_PORT = 65_535

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
Body = Annotated[
    bool | None,
    typer.Option("--body/--no-body", help="Also read bodies of articles  [env: ATTUNE_BODY]", show_default=False),
]
TokenBudget = Annotated[
    int | None,
    typer.Option(
        "--token-budget",
        help="Tokens of each window of a body that go through all layers  [env: ATTUNE_TOKEN_BUDGET]",
        show_default=False,
    ),
]


Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        help="Processes that replay impressions, or pieces of work on Ray at once  [env: ATTUNE_REPLAY_WORKERS]",
        show_default=False,
    ),
]


Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        help="Ray cluster that does the work: local, auto or HOST:PORT (extra scale)  [env: ATTUNE_RAY]",
        show_default=False,
    ),
]


def settings_from(
    database_url: str | None,
    home: Path | None,
    body: bool | None = None,
    token_budget: int | None = None,
    workers: int | None = None,
    shard: str | None = None,
    ray: str | None = None,
) -> Settings:
    """Return the settings of the environment, with options on top."""
    return load_settings(
        database_url=database_url,
        home=home,
        body=body,
        token_budget=token_budget,
        replay_workers=workers,
        shard=shard,
        ray=ray,
    )


@contextmanager
def batch_encoder(settings: Settings) -> Iterator["LazyEncoder"]:
    """Yield the encoder of a command for many articles; the Ray cluster of the settings is there in the block.

    Raises:
        ConfigError: there is no such cluster, or Ray is not installed.
    """
    if settings.ray is None:
        from recsys.encoder.lazy import LazyEncoder

        yield LazyEncoder(settings)
        return
    from recsys.encoder.spread_encoding import SpreadEncoder
    from recsys.executors.ray_cluster import connected

    with connected(settings.ray, settings.replay_workers):
        yield SpreadEncoder(settings)


def moment(text: str | None, option: str) -> int | None:
    """Convert ISO 8601 to microseconds; times without a zone are UTC.

    Raises:
        ConfigError: the text is not a time.
    """
    if text is None:
        return None
    try:
        return from_iso(text)
    except RequestError as error:
        raise ConfigError(f"{option}: {error}") from error


def require_writable(file: Path | None) -> None:
    """Check that `file` can be written, before the work starts.

    Raises:
        ConfigError: the folder does not exist or is not writable, or `file` is itself a folder.
    """
    if file is None:
        return
    folder = file.resolve().parent
    if file.is_dir():
        raise ConfigError(f"{file} cannot be written: it is a folder; name a file in it")
    if not folder.is_dir():
        raise ConfigError(f"{file} cannot be written: create the folder {folder} first")
    if not os.access(file if file.exists() else folder, os.W_OK):
        raise ConfigError(f"{file} cannot be written: permission denied; choose another file")
