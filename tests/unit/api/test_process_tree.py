"""Children of `attune run`: started again, timed, logged, and stopped together."""

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.process_tree import Command, Ended, ProcessTree
from api.cli.run import run
from api.cli.training_schedule import CronTimes, Training, train_on_schedule
from api.http.logging_setup import FIELDS
from recsys.errors import ConfigError

FOREVER = "import time; time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {FOREVER}"


def python(script: str, logged: bool = False) -> Command:
    return Command("child", (sys.executable, "-S", "-c", script), logged)


def counting(file: Path, end: str) -> Command:
    """A child that adds a line to `file`, and ends in the way of `end`."""
    return python(f"open({str(file)!r}, 'a').write('x\\n'); {end}")


def lines(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


async def until(tree: ProcessTree, work: Coroutine[None, None, None], file: Path, count: int) -> None:
    """Run `work` until `file` has `count` lines, then stop the tree."""
    task = asyncio.create_task(work)
    async with asyncio.timeout(20):
        while lines(file) < count and not task.done():
            await asyncio.sleep(0.02)
        tree.stop()
        await task


@pytest.mark.parametrize(
    "end", ["raise SystemExit(0)", "raise SystemExit(4)", "import os; os.kill(os.getpid(), 9)"]
)
def test_a_child_that_ends_is_started_again(tmp_path: Path, end: str) -> None:
    async def main() -> None:
        tree = ProcessTree(shortest_wait=0.01)
        await until(tree, tree.keep_running(counting(tmp_path / "runs", end)), tmp_path / "runs", 3)
        assert tree.failure is None

    asyncio.run(main())
    assert lines(tmp_path / "runs") >= 3


def test_waits_between_starts_double(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        tree = ProcessTree(shortest_wait=0.01)
        await until(tree, tree.keep_running(counting(tmp_path / "runs", "pass")), tmp_path / "runs", 4)

    asyncio.run(main())
    waits = [
        record.getMessage().split("next start in ")[1] for record in caplog.records if record.levelname == "ERROR"
    ]
    assert waits[:3] == ["0.01 s", "0.02 s", "0.04 s"]


@pytest.mark.parametrize("status", [1, 3])
def test_a_first_child_that_refuses_its_settings_ends_the_tree(tmp_path: Path, status: int) -> None:
    async def main() -> str | None:
        tree = ProcessTree(shortest_wait=0.01)
        await tree.keep_running(counting(tmp_path / "runs", f"raise SystemExit({status})"))
        assert await tree.pause(0)
        return tree.failure

    assert "the child cannot start" in (asyncio.run(main()) or "")
    assert lines(tmp_path / "runs") == 1


def test_a_later_refusal_does_not_end_the_tree(tmp_path: Path) -> None:
    file = tmp_path / "runs"
    end = f"raise SystemExit(0 if len(open({str(file)!r}).readlines()) == 1 else 1)"

    async def main() -> None:
        tree = ProcessTree(shortest_wait=0.01)
        await until(tree, tree.keep_running(counting(file, end)), file, 3)
        assert tree.failure is None

    asyncio.run(main())


def test_a_child_is_stopped_after_its_time() -> None:
    ended = asyncio.run(ProcessTree().run(python(FOREVER), within=0.2))
    assert ended.stopped
    assert ended.status == -15
    assert 0.2 <= ended.seconds < 10


def test_a_child_that_ignores_sigterm_is_killed() -> None:
    async def main() -> Ended:
        return await ProcessTree(grace=0.2).run(python(DEAF, logged=True), within=1.0)

    ended = asyncio.run(main())
    assert ended.stopped
    assert ended.status == -9


def test_stop_ends_all_children_and_starts_no_other(tmp_path: Path) -> None:
    async def main() -> None:
        tree = ProcessTree()
        both = [asyncio.create_task(tree.keep_running(counting(tmp_path / "runs", FOREVER))) for _ in range(2)]
        async with asyncio.timeout(20):
            while lines(tmp_path / "runs") < 2:
                await asyncio.sleep(0.02)
            tree.stop()
            await asyncio.gather(*both)
        await tree.keep_running(counting(tmp_path / "runs", FOREVER))

    began = time.monotonic()
    asyncio.run(main())
    assert lines(tmp_path / "runs") == 2
    assert time.monotonic() - began < 15


def test_output_of_a_logged_child_becomes_lines_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    script = "import sys; print('one\\n\\ntwo'); sys.stdout.flush(); sys.stderr.write('x' * 20_000 + '\\nend')"
    with caplog.at_level(logging.INFO):
        asyncio.run(ProcessTree().run(python(script, logged=True)))
    written = [record.getMessage() for record in caplog.records if record.name.endswith(".child")]
    assert written[:2] == ["one", "two"]
    assert "".join(written[2:]) == "x" * 20_000 + "end"
    assert max(map(len, written)) <= 8_192


def test_a_record_of_a_child_in_json_keeps_its_level_and_fields(caplog: pytest.LogCaptureFixture) -> None:
    lines = [
        '{"at": "x", "level": "warning", "logger": "l", "message": "full %s", "rows": 3}',
        '{"level": 1}',
        "[]",
    ]
    with caplog.at_level(logging.INFO):
        asyncio.run(ProcessTree().run(python(f"print({chr(10).join(lines)!r})", logged=True)))
    first, *others = (record for record in caplog.records if record.name.endswith(".child"))
    assert (first.levelname, first.getMessage(), vars(first)[FIELDS]) == ("WARNING", "full %s", {"rows": 3})
    assert [(each.levelname, each.getMessage()) for each in others] == [("INFO", line) for line in lines[1:]]


def test_variables_of_a_child_are_in_its_environment_alone(caplog: pytest.LogCaptureFixture) -> None:
    command = replace(
        python(
            "import os, sys; print(os.environ['SECRET'][::-1], len(sys.argv), 'PATH' in os.environ)", logged=True
        ),
        variables={"SECRET": "abcdef"},
    )
    with caplog.at_level(logging.INFO):
        ended = asyncio.run(ProcessTree().run(command))
    assert ended.status == 0
    assert "fedcba 1 True" in caplog.text
    assert "abcdef" not in caplog.text + repr(command)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end children with their parent")
def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "child"
    child = f"import os; open({str(file)!r}, 'w').write(str(os.getpid()) + '\\n'); {FOREVER}"
    script = (
        "import asyncio, sys; from api.cli.process_tree import Command, ProcessTree; "
        f"asyncio.run(ProcessTree().run(Command('child', (sys.executable, '-S', '-c', {child!r}))))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 20
    while not lines(file) and time.monotonic() < deadline:
        time.sleep(0.02)
    started = psutil.Process(int(file.read_text()))
    parent.kill()
    parent.wait(20)
    assert psutil.wait_procs([started], timeout=20)[1] == []


def test_nothing_to_run_is_an_error_that_names_the_options() -> None:
    with pytest.raises(ConfigError, match="--no-serve"):
        run(serve=False, poll=False, webhooks=False, train="", consume=[""])


def test_a_wrong_topic_is_an_error_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"^--consume: the URL of a broker is nats://"):
        run(consume=["http://user:s3cret@h/clicks"])
    with pytest.raises(ConfigError, match="names nats://h"):
        run(consume=["nats://h/a", "nats://h/b,nats://h/a"])
    monkeypatch.setenv("ATTUNE_CONSUME", "nats://h/clicks, nats://h?subject=x")
    with pytest.raises(ConfigError, match=r"^ATTUNE_CONSUME: unknown parameter 'subject'"):
        run()


class AtOnce:
    """Times that are always due a moment from now."""

    def after(self, now: datetime) -> datetime:
        return now + timedelta(seconds=0.02)


def test_trainings_follow_one_another_and_go_on_after_a_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "steps"
    reasons: list[str] = []
    training = counting(file, f"import sys; sys.exit(len(open({str(file)!r}).readlines()) == 1)")
    plan = Training(AtOnce(), (training, counting(file, "pass")), 20, reasons.append)

    async def main() -> None:
        tree = ProcessTree()
        await until(tree, train_on_schedule(tree, plan), file, 3)

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    ends = [text for record in caplog.records if "failed" in (text := record.getMessage()) or "succeeded" in text]
    assert ends[0].startswith("child: failed, ended with status 1")
    assert ends[1].startswith("child: succeeded after")
    assert reasons == ends[:1]


def test_a_training_that_takes_too_long_is_stopped_and_named(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    reasons: list[str] = []
    plan = Training(AtOnce(), (counting(tmp_path / "steps", FOREVER),), 0.3, reasons.append)

    async def main() -> None:
        tree = ProcessTree()
        await until(tree, train_on_schedule(tree, plan), tmp_path / "steps", 2)

    asyncio.run(main())
    assert any("ATTUNE_TRAIN_HOURS" in record.getMessage() for record in caplog.records)
    assert "ATTUNE_TRAIN_HOURS" in reasons[0]


@given(st.integers(0, 59), st.integers(0, 23), st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)))
def test_a_daily_time_is_the_next_such_minute_in_utc(minute: int, hour: int, now: datetime) -> None:
    now = now.replace(tzinfo=UTC)
    due = CronTimes.parse(f"{minute} {hour} * * *", "--train").after(now)
    assert timedelta(0) < due - now <= timedelta(days=1)
    assert (due.minute, due.hour, due.second, due.utcoffset()) == (minute, hour, 0, timedelta(0))


def test_sunday_is_zero_as_in_cron() -> None:
    assert CronTimes.parse("0 4 * * 0", "--train").after(datetime(2026, 11, 27, tzinfo=UTC)).day == 29


@pytest.mark.parametrize(
    ("expression", "fix"),
    [
        ("0 4 * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("@daily", "five fields"),
        ("61 4 * * *", "'0 4 \\* \\* \\*'"),
        ("0 4 30 2 *", "Bad day-of-month"),
    ],
)
def test_a_wrong_schedule_is_an_error_that_names_the_fix(expression: str, fix: str) -> None:
    with pytest.raises(ConfigError, match=fix):
        CronTimes.parse(expression, "--train")
