"""`attune webhooks`: add, list, remove, test, messages, retry, deliver."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DatabaseUrl, settings_from
from recsys.domain import WebhookEvent

if TYPE_CHECKING:
    from api.application.context import Application

app = typer.Typer(help="Signed messages to other systems when something happens.", no_args_is_help=True)

WebhookId = Annotated[str, typer.Argument(help="Id of the webhook, as `attune webhooks list` shows it.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Address that gets the messages, by POST.")],
    event: Annotated[
        list[WebhookEvent] | None,
        typer.Option("--event", help="Kind of event that it wants; repeat for several. Default: all."),
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Add a webhook. Its secret is printed once; receivers need it to verify signatures."""
    from api.application import webhook_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, None)) as application:
        added = webhook_admin.add_webhook(application, url, event or (), actor="cli")
    typer.echo(added.secret)
    typer.echo(f"webhook {added.id} is added; above is its secret, which is not shown again")
    typer.echo(f"test it: attune webhooks test {added.id}")


@app.command("list")
def list_webhooks(database_url: DatabaseUrl = None) -> None:
    """List every webhook: id, time, events and address, without its query."""
    from api.application import webhook_admin
    from api.application.context import opened_application
    from api.application.iso_time import to_iso

    with opened_application(settings_from(database_url, None)) as application:
        found = webhook_admin.list_webhooks(application)
    for each in found:
        events = ", ".join(each.events) or "all events"
        typer.echo(f"{each.id}  {to_iso(each.created_at)[:19]}Z  {events}  {webhook_admin.shown_address(each)}")
    if not found:
        typer.echo("there is no webhook; `attune webhooks add` adds one")


@app.command()
def remove(webhook: WebhookId, database_url: DatabaseUrl = None) -> None:
    """Remove a webhook with its secret and its messages."""
    from api.application import webhook_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, None)) as application:
        webhook_admin.remove_webhook(application, webhook, actor="cli")
    typer.echo(f"webhook {webhook} is removed")


@app.command()
def test(webhook: WebhookId, database_url: DatabaseUrl = None) -> None:
    """Send a message of the kind `test` now, once, and print the status of the answer."""
    from api.application.context import opened_application
    from api.application.webhook_delivery import send_test

    with opened_application(settings_from(database_url, None)) as application:
        status = send_test(application, webhook)
    typer.echo(f"webhook {webhook} works: the receiver answers {status}")


@app.command()
def messages(
    only_failed: Annotated[
        bool, typer.Option("--failed", help="List only messages for which no further attempt is made.")
    ] = False,
    last: Annotated[int, typer.Option(min=1, max=1_000, help="Number of messages, newest first.")] = 20,
    database_url: DatabaseUrl = None,
) -> None:
    """List messages: id, webhook, event, attempts, and what became of each."""
    from api.application import webhook_admin
    from api.application.context import opened_application
    from api.application.iso_time import to_iso

    with opened_application(settings_from(database_url, None)) as application:
        found = webhook_admin.list_messages(application, last, only_failed)
    for each in found:
        states = {"delivered": each.delivered_at, "next attempt": each.next_at}
        state = [f"{name} {to_iso(at)[:19]}Z" for name, at in states.items() if at is not None] or ["failed"]
        error = [] if each.error is None else [each.error]
        text = ", ".join([*state, *error])
        typer.echo(f"{each.id}  {each.webhook}  {each.event}  {each.attempts} attempts  {text}")
    if not found:
        typer.echo("no message failed for good" if only_failed else "there is no message yet")


@app.command()
def retry(
    message: Annotated[
        list[str] | None, typer.Argument(help="Ids of failed messages; default: all that failed.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Send failed messages again, with all their attempts."""
    from api.application import webhook_admin
    from api.application.context import opened_application

    with opened_application(settings_from(database_url, None)) as application:
        count = webhook_admin.retry_messages(application, message or ())
    typer.echo(f"messages that are sent again: {count}")


@app.command()
def deliver(
    once: Annotated[bool, typer.Option("--once", help="Send what is due, and exit.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Send messages until SIGTERM; `attune run` does it for you. Several processes send each message once."""
    import asyncio

    from api.application.context import opened_application
    from api.application.webhook_delivery import deliver_due, webhook_sender

    async def drain(application: "Application") -> int:
        sender, count = webhook_sender(application), 0
        while sent := await deliver_due(application, sender):
            count += len(sent)
        return count

    with opened_application(settings_from(database_url, None)) as application:
        if once:
            typer.echo(f"attempts: {asyncio.run(drain(application))}")
        else:
            asyncio.run(_until_signal(application))


async def _until_signal(application: "Application") -> None:
    import asyncio
    import signal

    from api.application.webhook_delivery import keep_delivering

    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    typer.echo("delivering webhooks; stop with SIGTERM or Ctrl-C")
    await keep_delivering(application, stop)
