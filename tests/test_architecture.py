"""What holds for the whole house: contracts, docstrings, help, documentation."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

import recsys.errors
from api.cli import app
from recsys.feed.retrieval import SOURCES

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for package in ("recsys", "ingest", "api") for path in (ROOT / package).rglob("*.py"))


def commands() -> Iterator[tuple[str, click.Command]]:
    """Full name → command, groups included."""
    waiting: list[tuple[str, click.Command]] = [("attune", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        if name != "attune":
            yield name, command
        waiting += [(f"{name} {sub}", found) for sub, found in getattr(command, "commands", {}).items()]


COMMANDS = dict(sorted(commands()))


def test_imports_only_point_down() -> None:
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "a module without a docstring"


def test_all_errors_are_exported_derived_and_drawn() -> None:
    defined = {
        name: kind
        for name, kind in vars(recsys.errors).items()
        if isinstance(kind, type) and name.endswith("Error")
    }
    assert sorted(defined) == recsys.errors.__all__
    for name, kind in defined.items():
        assert issubclass(kind, recsys.errors.AttuneError)
        assert name in (recsys.errors.__doc__ or "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, f"{name} has no help"
    for parameter in command.params:
        if parameter.name != "help":
            assert getattr(parameter, "help", None), f"{name}: {parameter.opts} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_with_its_options_and_an_example(name: str) -> None:
    text = (ROOT / "docs/cli.md").read_text()
    heading = f"{'#' * (1 + name.count(' '))} {name}\n"
    assert heading in text
    section = text.split(heading)[1].split("\n## ")[0]
    if not isinstance(COMMANDS[name], click.Group):
        assert f"\n{name}" in section, f"{name} has no example"
    shared = {"--database-url", "--home", "--help", "--no-in-sample"}
    for option in {opt for p in COMMANDS[name].params for opt in p.opts if opt.startswith("--")} - shared:
        assert option in section, f"{option} of {name} is not documented"


def test_every_candidate_source_is_documented() -> None:
    lines = (ROOT / "docs/monitoring.md").read_text().splitlines()
    [told] = [line for line in lines if "attune_feed_candidates_total{source}" in line]
    assert [source for source in SOURCES if f"`{source}`" not in told] == []


def test_help_is_instant() -> None:
    """It imports nothing heavy: no torch, no polars, no web framework."""
    script = "import sys, api.cli; print([m for m in ('torch', 'polars', 'numpy', 'fastapi') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_constraints_pin_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["cpu"], *extras["postgres"], *extras["dev"]]
    pinned = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    names = {spec.split(">=")[0].split("[")[0].lower() for spec in wanted}
    assert names <= pinned


def test_no_file_of_the_house_is_a_drawer_for_anything() -> None:
    assert not [path for path in MODULES if path.stem in ("utils", "helpers", "misc", "common")]
