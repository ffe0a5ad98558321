"""Mapping of foreign rows to the generic formats, in TOML: a rule says which rows it takes, and makes each field.

One row may match several rules: a page view with its seconds becomes a click and a read. Rows that match none are
left over. docs/ingest.md has the grammar.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from ingest.field_names import RECORDS
from ingest.misfit import MisfitError
from ingest.time_values import UTC_TIMES, TimeReader
from ingest.web.web_addresses import canonical_url
from recsys.domain import SECOND
from recsys.errors import DataError
from recsys.records import fields_of

_MOST_BYTES = 1 << 20
_STEP = re.compile(r"([^.\[\]]+)(?:\[([^=\]]+)=([^\]]*)\])?(?:\.|$)")
_FIELD_KEYS = frozenset(("path", "constant", "times", "plus", "pattern", "canonical", "suffix", "values"))
_RULE_KEYS = frozenset(("kind", "each", "when", "fields"))
_FILE_KEYS = frozenset(("description", "columns", "separator", "quotes", "rules"))
_ANY = "*"

_canonical = lru_cache(maxsize=1 << 14)(canonical_url)
"""Exports name the same pages again and again."""

Step = tuple[str, str | None, str]
"""Key, and the key and value that an element of its list must have; None without such a condition."""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """Place of a value in a row: keys joined by dots.

    ``list[key=name]`` is an element by the value of its key, ``list.0`` by its place.
    """

    text: str
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, text: str) -> "FieldPath":
        """Read a path.

        Raises:
            ValueError: it is none.
        """
        steps, at = [], 0
        while at < len(text):
            found = _STEP.match(text, at)
            if found is None:
                raise ValueError(f"{text!r} is no path: write a.b, or a[key=name].b")
            steps.append((found[1], found[2], found[3] or ""))
            at = found.end()
        if not steps:
            raise ValueError("a path is empty")
        return cls(text, tuple(steps))

    def value(self, row: Mapping[str, object]) -> object:
        """Return the value, None if there is none. Texts on the way are read as JSON."""
        if self.text in row:
            return row[self.text]
        found: object = row
        for key, name, wanted in self.steps:
            found = _opened(found)
            if isinstance(found, list) and key.isdecimal():
                found = found[int(key)] if int(key) < len(found) else None
            else:
                found = found.get(key) if isinstance(found, Mapping) else None
            if name is not None:
                found = _opened(found)
                listed = found if isinstance(found, list) else []
                found = next(
                    (each for each in listed if isinstance(each, Mapping) and str(each.get(name)) == wanted), None
                )
        return found


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Making of one field: the first path with a value, then the changes.

    constant: the value itself. times: factor of a number. plus: seconds to add to a time. pattern: its first group
    is the value. canonical: make a URL the id that articles from the web have. suffix: of an id. values:
    translation; values that are not in it are missing.
    """

    paths: tuple[FieldPath, ...] = ()
    constant: object = None
    times: float | None = None
    plus: FieldPath | None = None
    pattern: re.Pattern[str] | None = None
    canonical: bool = False
    suffix: str = ""
    values: Mapping[str, object] | None = None

    def made(self, row: Mapping[str, object], times: TimeReader) -> object:
        """Return the value of the field for a row, None if it is missing."""
        found = self.constant
        for path in self.paths:
            found = path.value(row)
            if found not in (None, ""):
                break
        if found is None or found == "":
            return None
        if self.values is not None:
            return self.values.get(str(found))
        if self.pattern is not None:
            matched = self.pattern.search(str(found))
            found = matched[1] if matched else None
        if self.canonical:
            found = _canonical(str(found)) if found is not None else None
        if found is not None and self.times is not None:
            found = _scaled(found, self.times)
        if found is not None and self.plus is not None:
            found = _later(found, self.plus.value(row), times)
        return f"{found}{self.suffix}" if found is not None and self.suffix else found


@dataclass(frozen=True, slots=True)
class MappingRule:
    """Rows of one kind that are made of the rows that fit.

    each: path of a list; each of its objects, with the fields around the list, is a row. when: path → texts that
    the value must be one of; ``*`` is any value.
    """

    kind: str
    fields: Mapping[str, FieldRule]
    when: Sequence[tuple[FieldPath, frozenset[str]]] = ()
    each: FieldPath | None = None

    def rows(self, row: Mapping[str, object], times: TimeReader) -> Iterator[dict[str, object]]:
        """Yield the rows that the rule makes of a row."""
        for part in self._parts(row):
            if all(_fits(path.value(part), wanted) for path, wanted in self.when):
                made = ((name, field.made(part, times)) for name, field in self.fields.items())
                yield {name: value for name, value in made if value is not None}

    def _parts(self, row: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
        if self.each is None:
            yield row
            return
        listed = _opened(self.each.value(row))
        for item in listed if isinstance(listed, list) else []:
            if isinstance(item, Mapping):
                yield {**row, **item}


@dataclass(frozen=True)
class RowMapping:
    """Rules of one file. columns: names for files without a header. separator, quotes: of such files.

    digest: hash of the rules' text.
    """

    name: str
    rules: Sequence[MappingRule]
    description: str = ""
    columns: tuple[str, ...] | None = None
    separator: str | None = None
    quotes: bool = True
    digest: str = ""

    def rows(
        self, row: Mapping[str, object], times: TimeReader = UTC_TIMES
    ) -> list[tuple[str, dict[str, object]]]:
        """Return (kind, row) for each row that the rules make of `row`; none if it is left over."""
        return [(rule.kind, made) for rule in self.rules for made in rule.rows(row, times)]

    @cached_property
    def read_columns(self) -> frozenset[str]:
        """Names at the top of the rows that a rule looks at."""
        found: set[str] = set()
        for rule in self.rules:
            paths = [path for path, _ in rule.when] + ([rule.each] if rule.each else [])
            for each in rule.fields.values():
                paths += [*each.paths, *([each.plus] if each.plus else [])]
            found |= {name for path in paths for name in (path.text, path.steps[0][0])}
        return frozenset(found)


def packaged_mappings() -> dict[str, RowMapping]:
    """Return the mappings that come with Attune, by name."""
    folder = resources.files("ingest.mappings")
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name)
    return {
        name: parse_mapping(name, each.read_text(encoding="utf-8"))
        for each in files
        if (name := each.name.removesuffix(".toml"))
    }


def load_mapping(given: str) -> RowMapping:
    """Return a mapping: a packaged one by its name, or that of a file.

    Raises:
        DataError: there is none, or the file is not valid.
    """
    path = Path(given)
    if path.suffix != ".toml":
        found = packaged_mappings()
        if given not in found:
            raise DataError(f"there is no mapping {given!r}: give a .toml file, or one of {', '.join(found)}")
        return found[given]
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} is larger than 1 MiB: it is no mapping")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}; check the path") from error
    return parse_mapping(path.name, text)


def parse_mapping(name: str, text: str) -> RowMapping:
    """Read a mapping.

    Raises:
        DataError: it is not valid; the message names the place.
    """
    try:
        given = tomllib.loads(text)
        _only(given, _FILE_KEYS, "the file")
        rules = given.get("rules")
        if not isinstance(rules, list) or not rules:
            raise ValueError("it has no [[rules]]")
        columns = given.get("columns")
        return RowMapping(
            name,
            [_rule(each, f"rule {number}") for number, each in enumerate(rules, start=1)],
            str(given.get("description", "")),
            None if columns is None else tuple(map(str, columns)),
            given.get("separator"),
            bool(given.get("quotes", True)),
            hashlib.blake2b(text.encode(), digest_size=4).hexdigest(),
        )
    except (ValueError, TypeError, AttributeError, re.error) as error:
        raise DataError(f"the mapping {name} is not valid: {error}") from error


def _rule(given: Mapping[str, Any], place: str) -> MappingRule:
    _only(given, _RULE_KEYS, place)
    kind = given.get("kind")
    if kind not in RECORDS:
        raise ValueError(f"{place}: kind must be one of {', '.join(RECORDS)}")
    known = {field.name for field in fields_of(RECORDS[kind])}
    fields = given.get("fields", {})
    unknown = sorted(set(fields) - known)
    if unknown or not fields:
        raise ValueError(
            f"{place}: {', '.join(unknown) or 'no field'}; fields of {kind} are {', '.join(sorted(known))}"
        )
    conditions = given.get("when", {}).items()
    return MappingRule(
        kind,
        {name: _field(each, f"{place}, {name}") for name, each in fields.items()},
        [(FieldPath.of(path), frozenset(map(str, wanted if isinstance(wanted, list) else [wanted])))
         for path, wanted in conditions],
        FieldPath.of(given["each"]) if "each" in given else None,
    )  # fmt: skip


def _field(given: object, place: str) -> FieldRule:
    if isinstance(given, str | list):
        return FieldRule(_paths(given))
    if not isinstance(given, Mapping):
        raise ValueError(f"{place}: write a path, a list of paths, or a table")
    _only(given, _FIELD_KEYS, place)
    if ("path" in given) == ("constant" in given):
        raise ValueError(f"{place}: give either path or constant")
    pattern = re.compile(given["pattern"]) if "pattern" in given else None
    if pattern is not None and not pattern.groups:
        raise ValueError(f"{place}: put the value into a group of the pattern, like /(\\d+)$")
    return FieldRule(
        paths=_paths(given["path"]) if "path" in given else (),
        constant=given.get("constant"),
        times=float(given["times"]) if "times" in given else None,
        plus=FieldPath.of(given["plus"]) if "plus" in given else None,
        pattern=pattern,
        canonical=bool(given.get("canonical", False)),
        suffix=str(given.get("suffix", "")),
        values=given.get("values"),
    )


def _paths(given: str | list[str]) -> tuple[FieldPath, ...]:
    return tuple(FieldPath.of(each) for each in ([given] if isinstance(given, str) else given))


def _only(given: Mapping[str, object], known: frozenset[str], place: str) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise ValueError(f"{place}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")


def _fits(value: object, wanted: frozenset[str]) -> bool:
    if value is None or value == "":
        return False
    return _ANY in wanted or str(value) in wanted


def _opened(value: object) -> object:
    """Return the value of a JSON text, or the value itself."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value


def _scaled(value: object, factor: float) -> object:
    try:
        return float(str(value)) * factor
    except ValueError:
        return value  # the check of the field rejects it, with its value


def _later(at: object, seconds: object, times: TimeReader) -> object:
    try:
        return times.micros(at) + int(float(str(seconds)) * SECOND) if seconds not in (None, "") else at
    except (MisfitError, ValueError, OverflowError):
        return at  # likewise
