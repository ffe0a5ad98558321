"""Rules of editors. Removed and expired ones stay as rows: the table is the history of editorial control."""

from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from recsys.domain import MatchField, Rule, RuleKind
from recsys.store.tables import rules


def add(connection: Connection, rule: Rule) -> None:
    """Store a new rule."""
    connection.execute(sa.insert(rules).values(**asdict(rule)))


def remove(connection: Connection, id_: str, at: int) -> bool:
    """Remove a rule for good at `at` (microseconds). Return False if no rule of this id stands."""
    standing = (rules.c.id == id_, rules.c.removed_at.is_(None))
    return connection.execute(sa.update(rules).where(*standing).values(removed_at=at)).rowcount > 0


def standing(connection: Connection, at: int) -> list[Rule]:
    """Return the rules that act at `at` (microseconds) or later, as far as is known: oldest first."""
    lasting = rules.c.ends_at.is_(None) | (rules.c.ends_at > at)
    return _selected(connection, rules.c.removed_at.is_(None) & lasting)


def known_at(connection: Connection, at: int) -> list[Rule]:
    """Return the rules that stood at a past time `at` (microseconds), oldest first."""
    r = rules.c
    lasting = sa.and_(*(end.is_(None) | (end > at) for end in (r.ends_at, r.removed_at)))
    return _selected(connection, (r.created_at <= at) & lasting)


def count_between(connection: Connection, start: int, end: int) -> int:
    """Return the number of rules that stood at any time in [start, end), microseconds."""
    r = rules.c
    lasting = sa.and_(*(until.is_(None) | (until > start) for until in (r.ends_at, r.removed_at)))
    acting = (r.created_at < end) & (r.starts_at < end) & lasting
    return int(connection.execute(sa.select(sa.func.count()).select_from(rules).where(acting)).scalar_one())


def newest(connection: Connection, count: int) -> list[Rule]:
    """Return the last `count` rules that were added, removed and expired ones included: newest first."""
    query = _columns().order_by(rules.c.created_at.desc(), rules.c.id).limit(count)
    return [_rule(row) for row in connection.execute(query).mappings()]


def _selected(connection: Connection, where: sa.ColumnElement[bool]) -> list[Rule]:
    query = _columns().where(where).order_by(rules.c.created_at, rules.c.id)
    return [_rule(row) for row in connection.execute(query).mappings()]


def _columns() -> sa.Select[tuple[object, ...]]:
    return sa.select(*(rules.c[field.name] for field in fields(Rule)))


def _rule(row: RowMapping) -> Rule:
    return Rule(**{**row, "kind": RuleKind(row["kind"]), "field": MatchField(row["field"])})
