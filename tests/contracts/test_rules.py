"""Stored rules, on every database."""

from typing import Any

from recsys.domain import MatchField, Rule, RuleKind
from recsys.store import rules
from recsys.store.database import Database


def a_rule(id_: str, **changes: Any) -> Rule:
    given = {"kind": RuleKind.BAN, "field": MatchField.TAG, "match": "ü 🗞"}
    return Rule(**{"id": id_, "starts_at": 10, "created_at": 10, "created_by": "cli", **given, **changes})


def test_a_rule_comes_back_as_it_was_stored(database: Database) -> None:
    full = a_rule(
        "full", kind=RuleKind.PIN, field=MatchField.ARTICLE, place=3, value=0.1, section="sport", ends_at=2**60
    )
    with database.write() as connection:
        rules.add(connection, full)
        rules.add(connection, a_rule("plain", created_at=11))
    with database.read() as connection:
        assert rules.standing(connection, 20) == [full, a_rule("plain", created_at=11)]


def test_a_rule_stands_until_it_expires_or_is_removed(database: Database) -> None:
    with database.write() as connection:
        for rule in (a_rule("later", starts_at=100), a_rule("short", ends_at=30), a_rule("gone")):
            rules.add(connection, rule)
        assert rules.remove(connection, "gone", 25)
        assert not rules.remove(connection, "gone", 26)
        assert not rules.remove(connection, "nobody", 26)
    with database.read() as connection:
        assert [rule.id for rule in rules.standing(connection, 29)] == ["later", "short"]
        assert [rule.id for rule in rules.standing(connection, 30)] == ["later"]


def test_the_rules_of_a_past_time_are_known(database: Database) -> None:
    with database.write() as connection:
        for rule in (a_rule("first"), a_rule("second", created_at=20), a_rule("short", ends_at=30)):
            rules.add(connection, rule)
        rules.remove(connection, "first", 25)
    with database.read() as connection:
        known = {at: [rule.id for rule in rules.known_at(connection, at)] for at in (9, 10, 24, 25, 30)}
    assert known == {
        9: [],
        10: ["first", "short"],
        24: ["first", "short", "second"],
        25: ["short", "second"],
        30: ["second"],
    }


def test_ended_rules_stay_on_record_newest_first(database: Database) -> None:
    with database.write() as connection:
        for at in range(5):
            rules.add(connection, a_rule(f"r{at}", created_at=at, ends_at=at + 1))
        rules.remove(connection, "r4", 4)
    with database.read() as connection:
        found = rules.newest(connection, 3)
    assert [(rule.id, rule.removed_at) for rule in found] == [("r4", 4), ("r3", None), ("r2", None)]
