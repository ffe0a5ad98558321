"""The proof that the built browser code is that of its sources, and that the wheel has it and the clients."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
EVERYTHING = ["attune.js", "attune-feed.js", "reader.js", "pages.css", "console.js", "console.css"]


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The step of `make check`, over a copy of the browser code."""
    spec = importlib.util.spec_from_file_location("web_step", ROOT / ".ci" / "web.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    copied = shutil.copytree(ROOT / "api/web", tmp_path / "web", ignore=shutil.ignore_patterns("node_modules"))
    monkeypatch.setattr(module, "WEB", copied)
    monkeypatch.setattr(module, "STATIC", copied / "static")
    return module


def test_the_built_files_are_those_of_the_sources(web: ModuleType) -> None:
    assert list(web.without_tools()) == []


@pytest.mark.parametrize(
    ("name", "built"),
    [
        ("tracker/readings.ts", ["attune.js", "reader.js"]),
        ("widget/texts.ts", ["attune-feed.js", "reader.js"]),
        ("reader/pages.css", ["reader.js", "pages.css", "console.css"]),
        ("console/console.ts", ["console.js", "console.css"]),
        ("package.json", EVERYTHING),
        ("tsconfig.json", EVERYTHING),
    ],
)
def test_a_source_or_tool_that_changed_is_found_without_node(web: ModuleType, name: str, built: list[str]) -> None:
    with (web.WEB / name).open("a") as file:
        file.write("\n")
    findings = list(web.without_tools())
    assert [finding.partition(" ")[0] for finding in findings] == built
    assert all("make web" in finding for finding in findings)


def test_a_built_file_that_is_missing_is_found(web: ModuleType) -> None:
    (web.STATIC / "attune.js").unlink()
    assert len(list(web.without_tools())) == 1


@pytest.mark.skipif(
    not (ROOT / "api/web/node_modules/.bin/esbuild").exists(), reason="the tools are not installed: run `make web`"
)
def test_a_built_file_that_was_edited_is_found_by_a_new_build(web: ModuleType) -> None:
    (web.WEB / "node_modules").symlink_to(ROOT / "api/web/node_modules")
    assert list(web.with_tools()) == []
    with (web.STATIC / "attune.js").open("a") as file:
        file.write("alert(1)\n")
    [finding] = web.with_tools()
    assert finding.startswith("attune.js ")


@pytest.mark.parametrize(("edit", "status"), [("", 0), ("// later\n", 1)])
def test_without_node_the_step_checks_the_digest(tmp_path: Path, edit: str, status: int) -> None:
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    shutil.copytree(ROOT / "api/web", tmp_path / "api/web", ignore=shutil.ignore_patterns("node_modules"))
    with (tmp_path / "api/web/tracker/attune.ts").open("a") as file:
        file.write(edit)
    command = [sys.executable, tmp_path / ".ci/web.py"]
    done = subprocess.run(command, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert ("run `make web`" in done.stdout) == bool(status)


def test_the_wheel_has_the_built_files_and_not_their_sources() -> None:
    builder = WheelBuilder(str(ROOT))
    paths = [each.distribution_path for each in builder.recurse_included_files()]
    built = [path for path in paths if path.startswith("api/web/")]
    static = [path for path in built if path.startswith("api/web/static/")]
    names = ("attune-feed.js", "attune.js", "console.css", "console.js", "pages.css", "reader.js")
    assert sorted(static) == sorted(f"api/web/static/{name}{end}" for name in names for end in ("", ".map"))
    assert {path.rpartition(".")[2] for path in set(built) - set(static)} == {"html", "json"}
    assert all(path.startswith("api/web/pages/") for path in set(built) - set(static))


def test_the_wheel_has_the_python_client_as_a_package_of_its_own_and_the_module_of_javascript() -> None:
    builder = WheelBuilder(str(ROOT))
    paths = {each.distribution_path for each in builder.recurse_included_files()}
    assert paths >= {"attune_client/__init__.py", "attune_client/py.typed", "api/client/attune.mjs"}
    assert not [path for path in paths if path.startswith("api/client/attune_client")]
    assert builder.config.dev_mode_dirs == [".", "api/client"], "an editable install finds it too"
