"""Rules for the whole project: sizes, names, errors, help, documentation."""

import ast
import dataclasses
import subprocess
import sys
import tomllib
import typing
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import click
import grimp
import pytest
import typer.main

import recsys.errors
from api.cli import app
from recsys.domain import Article, Event, FeedRequest, RankRequest, Slate
from recsys.feed.engine import FeedEngine
from recsys.feed.feed_metrics import STAGES
from recsys.feed.retrieval import SOURCES
from recsys.models.model_set import Models
from recsys.ranking.features.feature_set import FAMILIES
from recsys.ranking.query import Candidates, Query

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for package in ("recsys", "ingest", "api") for path in (ROOT / package).rglob("*.py"))


def test_no_modules_import_each_other_in_a_circle_not_even_for_types() -> None:
    graph = grimp.build_graph("recsys", "ingest", "api", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()  # it raises CycleError, which names the circle


def commands() -> Iterator[tuple[str, click.Command]]:
    """Full name → command, groups included."""
    waiting: list[tuple[str, click.Command]] = [("attune", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        if name != "attune":
            yield name, command
        waiting += [(f"{name} {sub}", found) for sub, found in getattr(command, "commands", {}).items()]


COMMANDS = dict(sorted(commands()))


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
    [reported] = [line for line in lines if "attune_feed_candidates_total{source}" in line]
    assert [source for source in SOURCES if f"`{source}`" not in reported] == []


def test_every_stage_of_a_feed_is_documented() -> None:
    lines = (ROOT / "docs/monitoring.md").read_text().splitlines()
    [row] = [line for line in lines if "attune_feed_stage_seconds{stage}" in line]
    assert [stage for stage in STAGES if f"`{stage}`" not in row] == []


def test_every_feature_family_is_documented() -> None:
    text = (ROOT / "docs/ranking.md").read_text()
    assert [family.name for family in FAMILIES if f"\n| `{family.name}` |" not in text] == []


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


def test_no_module_is_a_drawer_for_anything() -> None:
    assert not [path for path in MODULES if path.stem in ("utils", "helpers", "misc", "common")]


def test_no_two_modules_share_a_base_name() -> None:
    counts = Counter(path.stem for path in MODULES if path.name != "__init__.py")
    assert [stem for stem, count in counts.items() if count > 1] == []


def test_the_engine_has_few_fields_and_no_optional_model() -> None:
    fields = dataclasses.fields(FeedEngine)
    assert len(fields) <= 8
    models = typing.get_type_hints(Models)
    assert [name for name, kind in models.items() if type(None) in typing.get_args(kind)] == []
    assert typing.get_type_hints(FeedEngine)["models"] is Models


def test_no_function_outside_the_command_line_and_the_routes_takes_more_than_six_parameters() -> None:
    """Routes and commands declare one parameter for each query parameter or option."""
    doors = ("api/cli", "api/http/routes", "api/gorse")
    found = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in MODULES
        if not str(path.relative_to(ROOT)).startswith(doors)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and len([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]) - _is_method(node) > 6
    ]
    assert found == []


@pytest.mark.parametrize("kind", [Article, Event, Slate, FeedRequest, RankRequest, Query, Candidates, FeedEngine])
def test_records_and_requests_are_keyword_only(kind: type) -> None:
    assert all(field.kw_only for field in dataclasses.fields(kind))


def _is_method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return bool(node.args.args) and node.args.args[0].arg in ("self", "cls")
