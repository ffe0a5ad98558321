"""/v1/rules: rules of editors."""

from typing import Annotated

from fastapi import Path, Query, Request

from api.application import editorial, unknown_names
from api.application.editorial import ListedRule
from api.application.scopes import Scope
from api.http.dependencies import App
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.rule_schemas import AddedRuleOut, RuleIn, RulesOut, rule_out
from api.http.security.auth import actor, secured_router

router = secured_router("/v1/rules", "rules", Scope.ADMIN)

_RuleId = Annotated[str, Path(alias="id", description="Id of the rule.", examples=["3fa1b2c4d5e6"], max_length=64)]
_QueryId = Annotated[
    str, Query(alias="id", description="Id of the rule.", examples=["3fa1b2c4d5e6"], max_length=64)
]
_Ended = Annotated[
    int,
    Query(description="Number of removed and expired rules to list, too.", examples=[20], ge=0, le=1_000),
]


@router.post("", status_code=201, response_model_by_alias=True)
def add(request: Request, app: App, body: RuleIn) -> AddedRuleOut:
    """Add a rule: it acts in this process at once, in others within a second.

    `pin` puts an article into a place of every feed, also for readers who have seen it. `breaking` puts articles
    into the first three places until the reader has seen them, `must_see` into the first page once. `boost` and
    `demote` change the score by log-odds. `ban` removes articles from all feeds and lists. `quota` limits the
    articles of a page. A rule cannot be changed: remove it, and add another one.
    """
    rule = editorial.add_rule(app, body.fields(), actor(request))
    added = rule_out(ListedRule(rule, rule.in_force(app.clock.next())))
    return AddedRuleOut(**added.model_dump(), warnings=unknown_names.unmatched_rule(app, rule))


@router.get("", response_model_by_alias=True)
def listed(app: App, ended: _Ended = 0) -> RulesOut:
    """List the rules that stand, those that begin later included; with `ended`, also some that no longer act."""
    return RulesOut(rules=[rule_out(rule) for rule in editorial.list_rules(app, ended)])


@router.delete("/{id}", status_code=204, responses=problems(404))
def remove(request: Request, app: App, id_: _RuleId) -> None:
    """Remove a rule for good. It stays on record: `GET /v1/rules?ended=…` lists it."""
    if not editorial.remove_rule(app, id_, actor(request)):
        raise HTTPProblem(404, "There is no such rule", "GET /v1/rules lists all rules that stand")


@router.delete("", status_code=204, responses=problems(404))
def remove_by_query(request: Request, app: App, id_: _QueryId) -> None:
    """Remove a rule for good, as `DELETE /v1/rules/{id}` does."""
    remove(request, app, id_)
