"""Checks of a rule before it is stored: every error names the fix."""

import math

from recsys.domain import DAY, Rule, RuleKind
from recsys.errors import RequestError
from recsys.records import is_storable

MOST_RULES = 500
"""Rules that may stand at one time: each request looks at all of them."""

MOST_LOG_ODDS = 10.0
"""Largest boost: it turns a chance of one in a thousand into 96%."""

MOST_PLACE = 100
MOST_QUOTA = 100
MOST_HOURS = 168.0
_LATEST = 100 * 365 * DAY
_TEXT_BYTES = 512
_SHORTEST_TEXT = 2


def check_rule(rule: Rule, now: int) -> None:
    """Check the values of a new rule at the time `now` (microseconds).

    Raises:
        RequestError: a value is missing, out of bounds, or belongs to another kind.
    """
    _check_texts(rule)
    _check_value(rule)
    _check_place(rule)
    if rule.ends_at is not None and rule.ends_at <= rule.starts_at:
        raise RequestError("`until` is not later than `from`: give a later `until`, or leave it out")
    if rule.ends_at is not None and rule.ends_at <= now:
        raise RequestError("`until` is in the past: give a later `until`, or leave it out")
    if max(rule.starts_at, rule.ends_at or 0) > _LATEST:
        raise RequestError("`from` and `until` must be before 2069")


def _check_texts(rule: Rule) -> None:
    for name, text in ((f"match.{rule.field}", rule.match), ("section", rule.section)):
        if text is None:
            continue
        if not text.strip():
            raise RequestError(f"`{name}` is empty: give a value")
        if len(text.encode("utf-8", "replace")) > _TEXT_BYTES:
            raise RequestError(f"`{name}` is longer than {_TEXT_BYTES} bytes: shorten it")
        if not is_storable(text):
            raise RequestError(f"`{name}` has a character that no database can hold: remove it")
    if rule.field == "text" and len(rule.match.strip()) < _SHORTEST_TEXT:
        raise RequestError(f"`match.text` needs at least {_SHORTEST_TEXT} characters: it would match nearly all")


def _check_value(rule: Rule) -> None:
    meaning, least, most = {
        RuleKind.BOOST: ("log-odds", 0.01, MOST_LOG_ODDS),
        RuleKind.DEMOTE: ("log-odds", 0.01, MOST_LOG_ODDS),
        RuleKind.MUST_SEE: ("hours", 0.01, MOST_HOURS),
        RuleKind.QUOTA: ("largest number of articles on a page", 0.0, float(MOST_QUOTA)),
    }.get(rule.kind, ("", 0.0, 0.0))
    if not meaning:
        if rule.value is not None:
            raise RequestError(f"a rule of kind {rule.kind} has no `value`: leave it out")
        return
    bounds = f"a number from {least:g} to {most:g} ({meaning})"
    if rule.value is None:
        raise RequestError(f"a rule of kind {rule.kind} needs a `value`: {bounds}")
    if not (math.isfinite(rule.value) and least <= rule.value <= most):
        raise RequestError(f"`value` of a rule of kind {rule.kind} must be {bounds}")
    if rule.kind is RuleKind.QUOTA and rule.value != int(rule.value):
        raise RequestError("`value` of a quota is a whole number of articles")


def _check_place(rule: Rule) -> None:
    if rule.kind is not RuleKind.PIN:
        if rule.place is not None:
            raise RequestError(f"a rule of kind {rule.kind} has no `place`: leave it out, or use kind pin")
        return
    if rule.place is None:
        raise RequestError(f"a pin needs a `place`: a whole number from 1 (the top) to {MOST_PLACE}")
    if not 1 <= rule.place <= MOST_PLACE:
        raise RequestError(f"`place` must be from 1 (the top) to {MOST_PLACE}")
