"""Use-cases of editorial control: add, list and remove rules. Changes are recorded in the audit log."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from api.application.context import Application
from api.application.iso_time import from_iso
from recsys.domain import MatchField, Rule, RuleKind
from recsys.editorial.rule_checks import MOST_RULES, check_rule
from recsys.errors import RequestError
from recsys.store import audit_log, rules
from recsys.store.audit_log import AuditAction, AuditRow

FIELDS = ("kind", "match", "value", "place", "section", "from", "until")
"""Fields of a rule as callers write it."""

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A stored rule, and whether it acts now."""

    rule: Rule
    in_force: bool


def add_rule(app: Application, given: Mapping[str, object], actor: str) -> Rule:
    """Add the rule that `given` describes with `FIELDS`. It acts in this process at once.

    Raises:
        RequestError: a field is missing, unknown or not valid, or too many rules stand.
        StoreError: the database is unavailable.
    """
    now = app.clock.next()
    rule = _rule_from(given, now, actor)
    check_rule(rule, now)
    with app.database.write() as connection:
        if len(rules.standing(connection, now)) >= MOST_RULES:
            raise RequestError(f"{MOST_RULES} rules stand already: remove one first")
        rules.add(connection, rule)
        audit_log.record(connection, AuditRow(now, actor, AuditAction.RULE_ADDED, rule.id))
    app.rules_changed()
    return rule


def list_rules(app: Application, ended: int = 0) -> Sequence[ListedRule]:
    """List the rules that stand, oldest first, then at most `ended` removed and expired ones, newest first.

    Raises:
        StoreError: the database is unavailable.
    """
    now = app.clock.next()
    with app.database.read() as connection:
        found = rules.standing(connection, now)
        past = rules.newest(connection, ended + len(found)) if ended else []
    standing = {rule.id for rule in found}
    found += [rule for rule in past if rule.id not in standing][:ended]
    return [ListedRule(rule, rule.in_force(now)) for rule in found]


def remove_rule(app: Application, id_: str, actor: str) -> bool:
    """Remove a rule for good; return False if no rule of that id stands.

    Raises:
        StoreError: the database is unavailable.
    """
    now = app.clock.next()
    with app.database.write() as connection:
        found = rules.remove(connection, id_, now)
        if found:
            audit_log.record(connection, AuditRow(now, actor, AuditAction.RULE_REMOVED, id_))
    app.rules_changed()
    return found


def _rule_from(given: Mapping[str, object], now: int, actor: str) -> Rule:
    unknown = sorted(given.keys() - set(FIELDS))
    if unknown:
        raise RequestError(f"a rule has no field {unknown[0]!r}: use {', '.join(FIELDS)}")
    matched = given.get("match")
    if not isinstance(matched, Mapping) or len(matched) != 1:
        raise RequestError(f'`match` needs one of {", ".join(MatchField)}, like {{"article": "a7"}}')
    [(field, value)] = matched.items()
    if not isinstance(value, str):
        raise RequestError(f"`match.{field}` must be text")
    return Rule(
        id=uuid.uuid4().hex[:12],
        kind=_choice("kind", given.get("kind"), RuleKind),
        field=_choice("match", field, MatchField),
        match=value.strip(),
        value=_number("value", given.get("value")),
        place=_whole("place", given.get("place")),
        section=_text("section", given.get("section")),
        starts_at=_time("from", given.get("from"), now),
        ends_at=_time("until", given.get("until"), None),
        created_at=now,
        created_by=actor,
    )


def _choice(name: str, value: object, kind: type[Choice]) -> Choice:
    try:
        return kind(value)  # type: ignore[arg-type]  # a wrong type is no member either
    except ValueError as error:
        raise RequestError(f"`{name}` must be one of {', '.join(kind)}") from error


def _number(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError(f"`{name}` must be a number")
    return float(value)


def _whole(name: str, value: object) -> int | None:
    number = _number(name, value)
    if number is None:
        return None
    if not number.is_integer():
        raise RequestError(f"`{name}` must be a whole number")
    return int(number)


def _text(name: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise RequestError(f"`{name}` must be text")
    return value


T = TypeVar("T", int, None)


def _time(name: str, value: object, default: T) -> int | T:
    text = _text(name, value)
    try:
        return default if text is None else from_iso(text)
    except RequestError as error:
        raise RequestError(f"`{name}`: {error}") from error
