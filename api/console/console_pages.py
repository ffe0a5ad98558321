"""Frame of the console's pages: navigation, notices, questions, and errors as pages.

All links are relative, so that the console also works below a path of a proxy.
"""

from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from api.application.console_access import Session
from api.http.page_templates import page
from api.http.problems import HTTPProblem


class _Link(NamedTuple):
    path: str
    title: str


NAVIGATION = (
    _Link("console", "Now"),
    _Link("console/front-page", "Front page"),
    _Link("console/articles", "Articles"),
    _Link("console/rules", "Rules"),
    _Link("console/readers", "Readers"),
    _Link("console/models", "Models"),
    _Link("console/evaluation", "Evaluation"),
    _Link("console/data", "Data"),
    _Link("console/attention", "Attention"),
    _Link("console/webhooks", "Webhooks"),
    _Link("console/keys", "Keys"),
    _Link("console/audit", "Audit"),
    _Link("console/settings", "Settings"),
)

DONE = {
    "rule-added": "The rule acts now here, and within a second in all other processes.",
    "rule-unmatched": "The rule acts, but no stored article matches it yet. Remove it if it is misspelled.",
    "rule-removed": "The rule is removed. It stays on record.",
    "model-activated": "The model is active. Other processes adopt it within a second.",
    "rolled-back": "The model that was active before serves again.",
    "trial-started": "The trial runs.",
    "trial-ended": "The trial has ended: the active model answers all readers.",
    "webhook-removed": "The webhook is removed.",
    "message-due": "The message is sent again within a minute.",
    "key-revoked": "The key is revoked. It stops working within a second.",
}
"""Notices after an act, by their name in the address. Nothing else of an address is shown."""


def show(
    request: Request, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HTMLResponse:
    """Return a page of the console, or a part of one.

    Args:
        request: its session, if any, gives the token of the forms.
        template: file in `api/web/pages/console`.
        context: values of the template; they are escaped.
        status: HTTP status.
    """
    session: Session | None = getattr(request.state, "session", None)
    frame = {
        "up": up(request),
        "here": here(request),
        "navigation": NAVIGATION if session else (),
        "form_token": session.form_token if session else "",
        "notice": DONE.get(request.query_params.get("done", "")),
    }
    return page(f"console/{template}", frame | (context or {}), status)


def error_page(request: Request, problem: HTTPProblem) -> HTMLResponse:
    """Return an error as a page, or as a sentence in the page that loads a part of itself."""
    template = "error_part.html" if is_part(request) else "error.html"
    answer = show(request, template, {"title": problem.title, "detail": problem.detail}, problem.status_code)
    answer.headers.update(problem.headers or {})
    return answer


def question_page(request: Request, question: str, consequence: str, button: str) -> HTMLResponse:
    """Return the question before a destructive act. Its button sends the same form with `confirmed`."""
    fields = {name: value for name, value in request.state.form.items() if name != "form_token"}
    context = {"question": question, "consequence": consequence, "button": button, "fields": fields}
    return show(request, "question.html", context)


def is_confirmed(request: Request) -> bool:
    """Return True if the form is the answer to a question."""
    return bool(request.state.form.get("confirmed") == "yes")


def see(request: Request, path: str, done: str | None = None) -> RedirectResponse:
    """Return a redirect to a page of the console after an act, with the notice `done`."""
    joint = "&" if "?" in path else "?"
    return RedirectResponse(f"{up(request)}{path}{f'{joint}done={done}' if done else ''}", 303)


def is_part(request: Request) -> bool:
    """Return True if a script loads a part of a page."""
    return request.headers.get("hx-request") == "true"


def up(request: Request) -> str:
    """Return the relative path from the request's page to the root of the service."""
    return "../" * here(request).count("/")


def here(request: Request) -> str:
    """Return the path of the request's route from the root of the service, without a query."""
    route = request.scope.get("route")
    return str(getattr(route, "path", "/console")).strip("/")
