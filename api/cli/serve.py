"""`attune serve`."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DatabaseUrl, Home, settings_from

if TYPE_CHECKING:
    from recsys.settings import Settings


def serve(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8000,
    host: Annotated[
        str, typer.Option(help="There is no authentication yet: keep it on this machine.")
    ] = "127.0.0.1",
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Serve the feed over HTTP. Works before anything was trained; API description at /docs."""
    settings = settings_from(database_url, home)
    _check(settings)

    import uvicorn

    from api.app import create_app

    uvicorn.run(create_app(settings), host=host, port=port)


def _check(settings: "Settings") -> None:
    """Fail here what would fail in the service, where it would be a traceback."""
    from recsys.bundle import active_version
    from recsys.encoder.lazy import LazyEncoder
    from recsys.feed.trained import load_active
    from recsys.store.database import open_database

    open_database(settings.database_url).close()
    if active_version(settings.home) is not None:
        load_active(settings.home, LazyEncoder(settings).name)
