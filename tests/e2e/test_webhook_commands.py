"""`attune webhooks` as an operator runs it."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from recsys.errors import AttuneError
from tests.trained import Place, place
from tests.web_server import page, web_server


@pytest.fixture
def where(tmp_path: Path) -> Place:
    return place(tmp_path)


def attune(where: Place, *arguments: str, command: str = "webhooks") -> str:
    environment = {"ATTUNE_DATABASE_URL": where.settings.database_url, "ATTUNE_WEBHOOK_PRIVATE": "true"}
    return CliRunner().invoke(app, (command, *arguments), env=environment, catch_exceptions=False).stdout


def test_webhooks_are_added_tested_listed_and_removed(where: Place) -> None:
    assert attune(where, "list") == "there is no webhook; `attune webhooks add` adds one\n"
    with web_server() as server:
        server.pages["/hook?token=t0p"] = page(b"", 200)
        url = server.url("/hook?token=t0p")
        added = attune(where, "add", url, "--event", "alert", "--event", "gate.failed").splitlines()
        secret, line, next_step = added
        id_ = line.split()[1]
        assert next_step == f"test it: attune webhooks test {id_}"
        assert attune(where, "test", id_) == f"webhook {id_} works: the receiver answers 200\n"
        listed = attune(where, "list")
        assert re.fullmatch(rf"{id_}  \S+Z  alert, gate.failed  {re.escape(server.url('/hook'))}\n", listed)
        assert secret.startswith("whsec_")
        assert secret not in listed
    assert attune(where, "deliver", "--once") == "attempts: 0\n"
    assert attune(where, "messages", "--failed") == "no message failed for good\n"
    assert attune(where, "retry") == "messages that are sent again: 0\n"
    assert attune(where, "remove", id_) == f"webhook {id_} is removed\n"
    assert f"webhook_removed  {id_}" in re.sub(r" {2,}", "  ", attune(where, command="audit"))


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["add", "ftp://a.example"], "http:// or https://"),
        (["add", "https://me:pw@a.example"], "remove them"),
        (["remove", "nobody"], "`attune webhooks list` shows the ids"),
        (["test", "nobody"], "`attune webhooks list` shows the ids"),
        (["retry", "nobody"], "`attune webhooks messages --failed` shows the ids"),
    ],
)
def test_a_wrong_command_names_the_fix(where: Place, arguments: list[str], fix: str) -> None:
    with pytest.raises(AttuneError, match=re.escape(fix)):
        attune(where, *arguments)
