"""`attune demo`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import require_writable


def demo(
    folder: Annotated[Path, typer.Option(help="Folder of the demo's database and bundle.")] = Path("var/demo"),
    readers: Annotated[int, typer.Option(min=20, help="Number of simulated readers.")] = 800,
    articles: Annotated[int, typer.Option(min=200, help="Number of simulated articles.")] = 2_200,
    days: Annotated[int, typer.Option(min=3, help="Number of simulated days.")] = 14,
    shot: Annotated[
        Path | None, typer.Option(help="Write a screenshot of the reader page to this .png; needs Chromium.")
    ] = None,
    social: Annotated[
        bool, typer.Option("--social", help="A social network instead of a newsroom; its size is fixed.")
    ] = False,
) -> None:
    """Simulate a newsroom, train, evaluate on the last day, and print a reader's feed with explanations."""
    if social:
        from api.cli.demo_social import run_social

        if shot is not None:
            raise typer.BadParameter("--shot is of the newsroom: leave out --social")
        run_social(folder)
        return
    from api.cli.chromium import require_browser
    from api.cli.demo_run import Demonstration
    from api.cli.demo_shot import save_screenshot

    require_writable(shot)
    browser = None if shot is None else require_browser("--shot")  # before minutes of work
    made = Demonstration(folder, readers, articles, days).run()
    if shot is not None and browser is not None:
        save_screenshot(browser, made.settings, made.reader, shot)
        typer.echo(f"screenshot: {shot}")
