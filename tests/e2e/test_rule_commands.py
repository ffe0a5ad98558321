"""`attune rules` as an editor runs it."""

import re

import pytest
from typer.testing import CliRunner

from api.cli import app
from recsys.errors import RequestError
from tests.trained import Place, place


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return place(tmp_path_factory.mktemp("rules"))


def test_a_rule_that_matches_no_stored_article_is_added_with_a_warning(where: Place) -> None:
    environment = {"ATTUNE_DATABASE_URL": where.settings.database_url}
    added = CliRunner().invoke(
        app, ("rules", "add", "boost", "--match", "section=Sprot", "--value", "1"), env=environment
    )
    assert added.exit_code == 0
    assert "warning: no stored article matches section=Sprot yet" in added.stderr
    attune(where, "remove", added.stdout.split()[1])


def attune(where: Place, *arguments: str) -> str:
    environment = {"ATTUNE_DATABASE_URL": where.settings.database_url}
    return CliRunner().invoke(app, ("rules", *arguments), env=environment, catch_exceptions=False).stdout


def test_rules_are_added_listed_and_removed(where: Place) -> None:
    assert attune(where, "list") == "no rules stand; `attune rules add` adds one\n"
    pin = [
        "pin",
        "--match",
        "article=a=7",
        "--place",
        "1",
        "--section",
        "sport",
        "--from",
        "2026-01-01",
        "--until",
        "2050-01-01",
    ]
    first = attune(where, "add", *pin).split()[1]
    second = attune(where, "add", '{"kind": "demote", "match": {"tag": "EU"}, "value": 0.7}').split()[1]
    lines = attune(where, "list").splitlines()
    assert lines[0] == (
        f"{first}  acts   pin       article=a=7  place 1, only in sport, from 2026-01-01T00:00:00Z, "
        "until 2050-01-01T00:00:00Z, by cli"
    )
    assert re.fullmatch(rf"{second}  acts   demote    tag=EU  log-odds -0\.7, from \S+Z, by cli", lines[1])
    assert attune(where, "remove", first) == f"rule {first} is removed\n"
    assert first not in attune(where, "list")
    assert re.search(rf"{first}  rests .* removed \S+Z, by cli", attune(where, "list", "--ended", "5"))


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["add", "pin", "--match", "article=a7"], "a pin needs a `place`"),
        (["add", "lift", "--match", "article=a7"], "`kind` must be one of pin, boost"),
        (["add", "ban"], "--match FIELD=VALUE"),
        (["add", "ban", "--match", "colour=red"], "`match` must be one of article"),
        (["add", "{", "--place", "1"], "as JSON or with options, not both"),
        (["add", "{"], "the rule is not JSON"),
        (["add", '{"kind": "ban", "match": {"tag": "x"}, "size": 1}'], "a rule has no field 'size'"),
        (["add", '{"kind": "ban", "match": {"tag": 1}}'], "`match.tag` must be text"),
        (["add", '{"kind": "ban", "match": []}'], "`match` needs one of article"),
        (["add", '{"kind": ["ban"], "match": {"tag": "x"}}'], "`kind` must be one of"),
        (["add", '{"kind": "pin", "match": {"tag": "x"}, "place": true}'], "`place` must be a number"),
        (["remove", "nobody"], "`attune rules list` shows the ids"),
    ],
)
def test_a_wrong_command_names_the_fix(where: Place, arguments: list[str], fix: str) -> None:
    with pytest.raises(RequestError, match=re.escape(fix)):
        attune(where, *arguments)
