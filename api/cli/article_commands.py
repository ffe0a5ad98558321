"""`attune articles`: withdraw, restore."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, settings_from

app = typer.Typer(help="Withdraw articles from all feeds and lists, and restore them.", no_args_is_help=True)

ArticleId = Annotated[str, typer.Argument(help="Id of the article.")]


@app.command()
def withdraw(article: ArticleId, database_url: DatabaseUrl = None) -> None:
    """Withdraw an article: running services drop it within a second. Storing it again does not bring it back."""
    from api.application.context import opened_application
    from api.application.ingestion import withdraw_article
    from recsys.errors import RequestError

    with opened_application(settings_from(database_url, None)) as app:
        if not withdraw_article(app, article):
            raise RequestError(f"no article {article!r} is shown: withdrawn before, or wrong id?")
    typer.echo(f"article {article} is withdrawn; `attune articles restore` brings it back")


@app.command()
def restore(article: ArticleId, database_url: DatabaseUrl = None) -> None:
    """Restore a withdrawn article, with the newest content that was stored."""
    from api.application.context import opened_application
    from api.application.ingestion import restore_article
    from recsys.errors import RequestError

    with opened_application(settings_from(database_url, None)) as app:
        if not restore_article(app, article):
            raise RequestError(f"there is no article {article!r}: ingest it first")
    typer.echo(f"article {article} is not withdrawn")
