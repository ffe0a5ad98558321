"""`attune digest` as a publisher runs it: files, a real mail server, and kill -9 in the middle of a mail."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiosmtpd.controller import Controller
from typer.testing import CliRunner

import api.application.command_service
from api.cli import app
from recsys.errors import AttuneError
from recsys.store import event_log_reader, letters
from recsys.store.letters import LetterStatus
from tests.serving import environment
from tests.trained import HashEncoder, Place, populated, quick_settings

BASE = ("--base-url", "https://news.example/attune")


class Mailbox:
    """A mail server that keeps what it accepts. `on_mail` may answer another line, or act before the answer."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.on_mail: Callable[[str], str | None] = lambda to: None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - name of aiosmtpd
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.raw.append(envelope.content)
        answer = self.on_mail(envelope.rcpt_tos[0])
        if answer is not None:
            self.mails.pop()
        return answer or "250 OK"

    @property
    def received(self) -> Counter[str]:
        return Counter(str(mail["To"]) for mail in self.mails)


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, str]]:
    """A mailbox and the address of its server."""
    mailbox = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mailbox, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The small world, and commands that encode without a network."""
    monkeypatch.setattr(api.application.command_service, "LazyEncoder", lambda settings: HashEncoder())
    return populated(tmp_path / "place")


def digest(where: Place, *arguments: str) -> str:
    run = CliRunner().invoke(app, ("digest", *arguments), env=environment(where), catch_exceptions=False)
    return run.stdout


def readers_of(where: Place) -> list[str]:
    database = where.open()
    with database.read() as connection:
        found = letters.known_readers(connection)
    database.close()
    return found


def shown(where: Place) -> pl.DataFrame:
    database = where.open()
    with database.read() as connection:
        slates = event_log_reader.tail(connection, 0).slates
    database.close()
    return pl.DataFrame({"id": [s.id for s in slates], "reader": [s.reader for s in slates]})


def addresses(folder: Path, readers: list[str]) -> str:
    file = folder / "addresses.csv"
    rows = [*(f"{reader},{reader}@mail.example" for reader in readers), "x,no address", ",a@b.example"]
    file.write_text("reader,address\n" + "\n".join(rows) + "\n")
    return str(file)


def test_each_reader_gets_one_letter_a_day_within_the_minutes(where: Place, tmp_path: Path) -> None:
    out, readers, before = tmp_path / "out", readers_of(where), shown(where).height
    assert f"written: {len(readers)}\n" in digest(where, "--all", "--minutes", "6", "--out", str(out), *BASE)
    made = json.loads((out / "manifest.json").read_text())["letters"]
    assert [each["reader"] for each in made] == readers
    assert all(0 < each["minutes"] <= 6 for each in made)
    assert {each["request_id"] for each in made} <= set(shown(where)["id"])
    assert shown(where).height == before + len(readers)
    first = made[0]
    page, text = (out / first["html"]).read_text(), (out / first["text"]).read_text()
    assert first["reader"] not in first["html"]
    assert page.count("<h2") == len(first["articles"]) == len(re.findall(r"^\d+\. ", text, re.M))
    for link in (
        "https://news.example/attune/embed/feed?token=",
        "https://news.example/attune/unsubscribe?token=",
    ):
        assert link in page and link in text
    assert "<script" not in page and "<style" not in page

    again = digest(where, "--all", "--minutes", "6", "--out", str(out), *BASE)
    assert f"already delivered in this period, or unknown: {len(readers)}\n" in again
    assert shown(where).height == before + len(readers)
    assert "written: 1" in digest(where, readers[0], "--period", "week", "--out", str(out), *BASE)


def test_a_dry_run_prints_the_letter_and_logs_nothing(where: Place) -> None:
    reader, before = readers_of(where)[0], shown(where).height
    printed = digest(where, reader, "--minutes", "5", "--dry-run", "--lang", "da")
    assert printed.startswith("Dine nyheder, ") and "Afmeld: http" in printed
    assert "made as previews: 1\n" in printed
    assert shown(where).height == before
    assert "made as previews: 1\n" in digest(where, reader, "--minutes", "5", "--dry-run")


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["--out", "x"], "give either one reader or --all"),
        (["r", "--all", "--out", "x"], "give either one reader or --all"),
        (["r"], "--out FOLDER"),
        (["--all", "--smtp", "smtp://127.0.0.1:1"], "--from ADDRESS and --addresses FILE.csv"),
        (["--all", "--out", "x", "--base-url", "javascript:1"], "https://HOST"),
        (["nobody", "--out", "x"], "check the id"),
    ],
)
def test_a_wrong_command_names_the_fix(
    where: Place, arguments: list[str], fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AttuneError, match=re.escape(fix)):
        digest(where, *arguments)


def test_mails_reach_those_who_want_them_once_with_a_way_out(where: Place, tmp_path: Path) -> None:
    readers = readers_of(where)
    file = addresses(tmp_path, readers[:4])
    database = where.open()
    with database.write() as connection:
        letters.unsubscribe(connection, readers[0], 1)
    database.close()
    with mail_server() as (mailbox, url):
        mailbox.on_mail = lambda to: "550 no such user" if to.startswith(readers[1]) else None
        send = ("--all", "--smtp", url, "--from", "news@paper.example", "--addresses", file, *BASE)
        printed = digest(where, *send)
        assert mailbox.received == {f"{reader}@mail.example": 1 for reader in readers[2:4]}
        for line in ("sent: 2", "readers who want no newsletter: 1", "tries them again: 1", "without an address"):
            assert line in printed
        mailbox.on_mail = lambda to: None
        assert "sent: 1\n" in digest(where, *send)
        assert mailbox.received == {f"{reader}@mail.example": 1 for reader in readers[1:4]}
        mail, raw = mailbox.mails[0], mailbox.raw[0]
    assert re.search(rb"\r\nList-Unsubscribe: <https://news\.example/attune/unsubscribe\?token=[\w.-]+>\r\n", raw)
    assert mail["From"] == "news@paper.example"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<https://news\.example/attune/unsubscribe\?token=[\w.-]+>", mail["List-Unsubscribe"])
    parts = [part.get_content_type() for part in mail.iter_parts()]
    assert parts == ["text/plain", "text/html"]
    assert readers[2] not in str(mail["Message-ID"])


def test_a_run_killed_while_a_mail_leaves_sends_nobody_twice(tmp_path: Path, tiny_encoder: Path) -> None:
    where = populated(tmp_path / "place", like=quick_settings(tiny_encoder))
    readers = readers_of(where)[:6]
    file = addresses(tmp_path, readers)
    with mail_server() as (mailbox, url):
        arguments = ("digest", "--all", "--smtp", url, "--from", "news@paper.example", "--addresses", file, *BASE)
        command = [sys.executable, "-m", "api.cli", *arguments]
        process = subprocess.Popen(command, env=environment(where), cwd=tmp_path)

        def kill_at_third(to: str) -> None:
            if len(mailbox.mails) == 3:
                process.send_signal(signal.SIGKILL)
                process.wait()

        mailbox.on_mail = kill_at_third
        assert process.wait(120) == -signal.SIGKILL
        assert len(mailbox.mails) == 3
        again = subprocess.run(command, env=environment(where), cwd=tmp_path, capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        assert mailbox.received == {f"{reader}@mail.example": 1 for reader in readers}
        assert "sent: 3\n" in again.stdout
        assert f"unknown\t{readers[2]}\n" in again.stdout
    database = where.open()
    with database.read() as connection:
        day = connection.exec_driver_sql("SELECT max(period) FROM letters").scalar_one()
        assert letters.of_status(connection, day, LetterStatus.UNKNOWN) == [readers[2]]
    database.close()
    assert shown(where)["id"].is_unique().all()


def test_files_of_a_run_that_was_killed_are_made_once(where: Place, tmp_path: Path) -> None:
    out, reader = tmp_path / "out", readers_of(where)[0]
    digest(where, reader, "--out", str(out), *BASE)
    database = where.open()
    with database.write() as connection:  # as if it had been killed before it stored the end
        connection.exec_driver_sql("UPDATE letters SET status = 'making'")
    database.close()
    before, page = shown(where).height, next(out.glob("*.html")).read_text()
    assert "written: 1\n" in digest(where, reader, "--out", str(out), *BASE)
    assert (shown(where).height, next(out.glob("*.html")).read_text()) == (before, page)
