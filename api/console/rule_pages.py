"""Console pages of rules: the list, and the forms that add and remove one."""

from datetime import UTC, datetime, timedelta

from fastapi import Request, Response

from api.application import editorial, unknown_names
from api.console.console_pages import is_confirmed, question_page, see, show
from api.console.signed_in import console_router, form_of
from api.http.dependencies import App
from api.http.problems import HTTPProblem
from api.http.security.auth import actor
from recsys.domain import MatchField, RuleKind
from recsys.errors import RequestError

router = console_router()

_ENDED = 20

HOURS = {"1": "one hour", "4": "four hours", "24": "one day", "168": "one week", "": "until it is removed"}
"""How long a rule of the form acts: hours → text."""

_OF_KIND: dict[str, tuple[str, ...]] = {
    RuleKind.PIN: ("place",),
    RuleKind.BOOST: ("value",),
    RuleKind.DEMOTE: ("value",),
    RuleKind.MUST_SEE: ("value",),
    RuleKind.QUOTA: ("value",),
}
"""Fields that belong to a kind; the form shows all of them, with a place filled in."""


@router.get("/rules")
def listed(request: Request, app: App) -> Response:
    """Return the rules that stand, some ended ones, and the form for a new one."""
    rules = editorial.list_rules(app, _ENDED)
    now = app.clock.next()
    standing = [
        each
        for each in rules
        if each.rule.removed_at is None and (each.rule.ends_at is None or each.rule.ends_at > now)
    ]
    context = {
        "standing": standing,
        "ended": [each for each in rules if each not in standing],
        "kinds": list(RuleKind),
        "fields": list(MatchField),
        "hours": HOURS,
    }
    return show(request, "rules.html", context)


@router.post("/rules/add")
def add(request: Request, app: App) -> Response:
    """Add the rule of a form, and go back to the article that it names, or to the list.

    Raises:
        RequestError: a field is missing or not valid.
    """
    form = form_of(request)
    given: dict[str, object] = {
        "kind": form.get("kind"),
        "match": {form.get("field", ""): form.get("match", "")},
        "until": _until(form.get("hours")),
    }
    kind = form.get("kind", "")
    for name in _OF_KIND.get(kind, ()):  # an unknown kind has none
        if name in form:
            given[name] = _number(name, form[name])
    given["section"] = form.get("section")
    if kind == RuleKind.BAN and not is_confirmed(request):
        consequence = "Matching articles leave every feed and list within a second, for all readers."
        return question_page(request, f"Ban {form.get('field')} {form.get('match')}?", consequence, "Ban")
    fields = {name: value for name, value in given.items() if value is not None}
    rule = editorial.add_rule(app, fields, actor(request))
    unmatched = unknown_names.unmatched_rule(app, rule)
    return see(request, "console/rules", "rule-unmatched" if unmatched else "rule-added")


@router.post("/rules/remove")
def remove(request: Request, app: App) -> Response:
    """Remove a rule, after a question.

    Raises:
        HTTPProblem: 404, no such rule stands.
    """
    id_ = form_of(request).get("id", "")
    if not is_confirmed(request):
        consequence = "It stops acting within a second, and cannot be switched on again: you would add a new one."
        return question_page(request, f"Remove rule {id_}?", consequence, "Remove rule")
    if not editorial.remove_rule(app, id_, actor(request)):
        raise HTTPProblem(404, "There is no such rule", "it was removed already, or has ended")
    return see(request, "console/rules", "rule-removed")


def _until(hours: str | None) -> str | None:
    if hours is None:
        return None
    if hours not in HOURS:
        raise RequestError(f"`hours` must be one of {', '.join(filter(None, HOURS))}")
    return (datetime.now(UTC) + timedelta(hours=int(hours))).isoformat()


def _number(name: str, text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise RequestError(f"`{name}` must be a number") from error
