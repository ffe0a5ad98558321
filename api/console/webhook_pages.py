"""Console pages of webhooks: add and remove them, see their messages, and send failed ones again."""

from fastapi import Request, Response

from api.application import webhook_admin
from api.console.console_pages import is_confirmed, question_page, see, show
from api.console.signed_in import console_router, form_of
from api.http.dependencies import App
from api.http.security.auth import actor
from recsys.domain import WebhookEvent

router = console_router()

_MESSAGES = 50
_KINDS = [kind for kind in WebhookEvent if kind is not WebhookEvent.TEST]


@router.get("/webhooks")
def webhooks(request: Request, app: App) -> Response:
    """Return the webhooks and their newest messages."""
    context = {
        "webhooks": [(each, webhook_admin.shown_address(each)) for each in webhook_admin.list_webhooks(app)],
        "messages": webhook_admin.list_messages(app, _MESSAGES),
        "kinds": _KINDS,
    }
    return show(request, "webhooks.html", context)


@router.post("/webhooks/add")
def add(request: Request, app: App) -> Response:
    """Add a webhook. This page alone shows its secret.

    Raises:
        DataError: the address is not http or https, or contains a password.
        RequestError: there are too many webhooks.
    """
    form = form_of(request)
    wanted = [kind for kind in _KINDS if form.get(f"wants {kind}") == "yes"]
    made = webhook_admin.add_webhook(app, form.get("url", ""), wanted, actor(request))
    return show(request, "webhook_created.html", {"webhook": made, "address": webhook_admin.shown_address(made)})


@router.post("/webhooks/remove")
def remove(request: Request, app: App) -> Response:
    """Remove a webhook, after a question.

    Raises:
        RequestError: there is none of that id.
    """
    webhook = webhook_admin.find_webhook(app, form_of(request).get("id", ""))
    if not is_confirmed(request):
        question = f"Remove the webhook to {webhook_admin.shown_address(webhook)}?"
        return question_page(request, question, "Its secret and its messages are deleted.", "Remove webhook")
    webhook_admin.remove_webhook(app, webhook.id, actor(request))
    return see(request, "console/webhooks", "webhook-removed")


@router.post("/webhooks/retry")
def retry(request: Request, app: App) -> Response:
    """Send a failed message again.

    Raises:
        RequestError: no message of that id failed.
    """
    webhook_admin.retry_messages(app, [form_of(request).get("id", "")])
    return see(request, "console/webhooks", "message-due")
