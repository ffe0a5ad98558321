"""`attune serve`."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, settings_from


def serve(
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 8000,
    host: Annotated[
        str, typer.Option(help="There is no authentication yet: keep it on this machine.")
    ] = "127.0.0.1",
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Serve the feed over HTTP. Works before anything was trained; API description at /docs."""
    import uvicorn

    from api.app import create_app

    uvicorn.run(create_app(settings_from(database_url, home)), host=host, port=port)
