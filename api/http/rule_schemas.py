"""Bodies of /v1/rules. The use-case checks what depends on the kind of a rule."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.application.editorial import ListedRule
from api.application.iso_time import to_iso
from api.http.schemas import Text
from recsys.domain import Rule, RuleKind
from recsys.editorial.rule_checks import MOST_PLACE

_Short = Annotated[Text, Field(min_length=1, max_length=512)]
_PIN: dict[str, Any] = {"kind": "pin", "match": {"article": "a7"}, "place": 1, "until": "2099-01-05T08:00:00Z"}
_DEMOTE: dict[str, Any] = {"kind": "demote", "match": {"section": "sport"}, "value": 0.7}


class MatchBody(BaseModel):
    """Articles of a rule, by one property.

    `section`: category or subcategory; `tag`: one of the entities; `author`: one of the names; `text`: words in
    the title or abstract. Only ids depend on case.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1, "maxProperties": 1})

    article: _Short | None = None
    section: _Short | None = None
    source: _Short | None = None
    author: _Short | None = None
    tag: _Short | None = None
    text: _Short | None = None

    @model_validator(mode="after")
    def _one(self) -> "MatchBody":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError(f"give one of {', '.join(type(self).model_fields)}")
        return self


class RuleIn(BaseModel):
    """A rule to add.

    `value`: log-odds of a `boost` or `demote`, most articles of a page for a `quota`, hours of a `must_see`.
    `place`: of a `pin`, 1 is the top. `section`: only in feeds of this section. `from`, `until`: ISO 8601; a rule
    acts at once and until it is removed, unless they give other times.
    """

    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, json_schema_extra={"examples": [_PIN, _DEMOTE]}
    )

    kind: RuleKind
    match: MatchBody
    value: float | None = Field(None, allow_inf_nan=False)
    place: int | None = Field(None, ge=1, le=MOST_PLACE)
    section: _Short | None = None
    from_: _Short | None = Field(None, alias="from")
    until: _Short | None = None

    def fields(self) -> dict[str, Any]:
        """Return the given fields as `editorial.add_rule` takes them."""
        return self.model_dump(by_alias=True, exclude_none=True)


class RuleOut(BaseModel):
    """A stored rule.

    `log_odds`: what a boost (positive) or demotion (negative) adds. `in_force`: it acts now. Times are ISO 8601;
    `created_by` is the id of the key.
    """

    model_config = ConfigDict(populate_by_name=True)

    id: str
    kind: RuleKind
    match: dict[Literal["article", "section", "source", "author", "tag", "text"], str]
    value: float | None
    log_odds: float | None
    place: int | None
    section: str | None
    from_: str = Field(alias="from")
    until: str | None
    in_force: bool
    created_at: str
    created_by: str
    removed_at: str | None


class AddedRuleOut(RuleOut):
    """A new rule. `warnings`: that no stored article matches it yet."""

    warnings: list[str]


class RulesOut(BaseModel):
    """Rules: those that stand, oldest first, then ended ones, newest first."""

    rules: list[RuleOut]


def rule_out(listed: ListedRule) -> RuleOut:
    """Serialise a rule."""
    rule = listed.rule
    return RuleOut(
        id=rule.id,
        kind=rule.kind,
        match={rule.field.value: rule.match},
        value=rule.value,
        log_odds=_log_odds(rule),
        place=rule.place,
        section=rule.section,
        from_=to_iso(rule.starts_at),
        until=_iso(rule.ends_at),
        in_force=listed.in_force,
        created_at=to_iso(rule.created_at),
        created_by=rule.created_by,
        removed_at=_iso(rule.removed_at),
    )


def _log_odds(rule: Rule) -> float | None:
    return rule.log_odds if rule.log_odds else None


def _iso(at: int | None) -> str | None:
    return None if at is None else to_iso(at)
