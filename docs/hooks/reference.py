"""MkDocs hook: writes the pages under reference/ from the code, at every build of the site."""

import asyncio
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main
from fastapi import FastAPI
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

# Everything of Attune that the pages are made from.
from api.app import create_app
from api.cli import app as command_line
from ingest.field_names import RECORDS
from ingest.generic_schema import REQUIRED
from recsys.domain import PREFERENCE_KINDS, EventKind
from recsys.records import fields_of
from recsys.settings import Settings

Schema = Mapping[str, Any]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add one generated page for each part of the reference."""
    with tempfile.TemporaryDirectory() as folder:
        service = _service(Path(folder))
        pages = {
            "settings": _settings(),
            "command-line": _command_line(),
            "http-api": _http_api(service.openapi()),
            "metrics": asyncio.run(_metrics(service)),
            "data": _data(),
        }
    for name, lines in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content="\n".join(lines) + "\n"))
    return files


def _service(folder: Path) -> FastAPI:
    """The service over an empty database; only default settings count, whatever the environment holds."""
    for name in [name for name in os.environ if name.startswith("ATTUNE_")]:
        del os.environ[name]
    return create_app(Settings(_env_file=None, database_url=f"sqlite:///{folder / 'empty.db'}", home=folder))


def _settings() -> Iterator[str]:
    yield "# Settings\n"
    yield "Set a setting as an environment variable or in a `.env` file. Flags of a command win over both."
    yield "`attune config` prints every setting with its value and its origin.\n"
    yield from _table("variable", "default", "limits", "meaning")
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        limits = ", ".join(filter(None, map(_limit, field.metadata)))
        yield _row(f"`ATTUNE_{name.upper()}`", default, limits, field.description or "")


def _limit(rule: object) -> str:
    """A constraint of pydantic in words, such as "at least 8"."""
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "min_length": "characters: at least"}
    found = [
        f"{word} {getattr(rule, name)}" for name, word in words.items() if getattr(rule, name, None) is not None
    ]
    return ", ".join(found)


def _command_line() -> Iterator[str]:
    yield "# Command line\n"
    yield "Generated from `attune --help`. [Commands](../cli.md) explains each command with an example.\n"
    yield from _command("attune", typer.main.get_command(command_line), 1)


def _command(name: str, command: Any, level: int) -> Iterator[str]:
    children = getattr(command, "commands", {})
    if level > 1:
        yield f"\n{'#' * min(level, 4)} {name}\n"
        yield f"{(command.help or '').strip()}\n"
    shown = [each for each in command.params if each.name != "help" and not each.hidden]
    if shown:
        yield from _table("option", "default", "meaning")
    for each in shown:
        names = ", ".join(f"`{option}`" for option in (*each.opts, *each.secondary_opts))
        default = "required" if each.required else "" if each.default in (None, ()) else f"`{each.default}`"
        yield _row(names, default, getattr(each, "help", None) or "")
    for child in sorted(children):
        yield from _command(f"{name} {child}", children[child], level + 1)


async def _metrics(service: FastAPI) -> list[str]:
    lines = [
        "# Metrics\n",
        "`GET /metrics` serves these families. [Monitoring](../monitoring.md) explains them and the alerts.\n",
        *_table("metric", "type", "meaning"),
    ]
    async with service.router.lifespan_context(service):
        families = sorted(service.state.metrics.collect(), key=lambda family: str(family.name))
    for family in families:
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        lines.append(_row(f"`{family.name}{suffix}`", family.type, family.documentation))
    return lines


def _data() -> Iterator[str]:
    yield "# Articles, events and impressions\n"
    yield "Fields of JSON lines, CSV and Parquet files, and of `POST /v1/events` and `POST /v1/articles`."
    yield "[Ingest](../ingest.md) explains each field.\n"
    for kind, record in RECORDS.items():
        yield f"\n## {kind.capitalize()}\n"
        yield from _table("field", "type", "required")
        for field in fields_of(record):
            yield _row(f"`{field.name}`", str(field.type), "yes" if field.name in REQUIRED[kind] else "")
    yield "\n## Kinds of events\n"
    yield from _table("kind", "refers to")
    for event in EventKind:
        yield _row(f"`{event}`", "`subject`: a topic or a source" if event in PREFERENCE_KINDS else "`article`")


def _http_api(description: Schema) -> Iterator[str]:
    schemas = description["components"]["schemas"]
    routes: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, methods in description["paths"].items():
        for method, route in methods.items():
            routes.setdefault(route["tags"][0], []).append((method.upper(), path, route))
    yield "# HTTP API\n"
    yield "Send and receive JSON. A running service describes the same at `/docs` and `/openapi.json`."
    yield "Errors are problem documents (RFC 9457) with `title`, `status` and `detail`."
    yield "Each route names the scope that a key needs: [Secure](../security.md) explains scopes."
    yield "A parameter without a default can be left out.\n"
    for tag, found in routes.items():
        yield f"\n## {tag.replace('gorse:', 'Gorse:').capitalize()}\n"
        for method, path, route in found:
            yield from _route(method, path, route, schemas)


def _route(method: str, path: str, route: Schema, schemas: Schema) -> Iterator[str]:
    yield f"\n### `{method} {path}`\n"
    scopes = [scope for each in route.get("security", []) for names in each.values() for scope in names]
    yield f"*Scope: {', '.join(scopes) or 'none'}.* {_plain(route.get('description', ''))}\n"
    if parameters := route.get("parameters", []):
        yield from _table("parameter", "in", "type", "default", "meaning")
    for each in parameters:
        default = "required" if each["required"] else _default(each["schema"])
        type_ = _type(each["schema"]).removesuffix(" or null")
        yield _row(f"`{each['name']}`", each["in"], type_, default, _meaning(each))
    body = _json(route.get("requestBody", {}))
    if body is not None:
        yield "\nBody:\n"
        yield from _fields(body, schemas, "required")
    for status, answer in route["responses"].items():
        schema = _json(answer)
        if status.startswith("2") and schema:
            yield f"\nAnswer {status}:\n"
            yield from _fields(schema, schemas, "")


def _meaning(parameter: Schema) -> str:
    """The description of a parameter, with its example."""
    examples = parameter["schema"].get("examples", ())
    return " ".join([parameter.get("description", ""), *(f"Example: `{json.dumps(each)}`" for each in examples)])


def _json(message: Schema) -> Schema | None:
    """The schema of a JSON body or answer."""
    found: Schema | None = message.get("content", {}).get("application/json", {}).get("schema")
    return found


def _fields(
    schema: Schema, schemas: Schema, mark: str, indent: int = 0, seen: tuple[str, ...] = ()
) -> Iterator[str]:
    """Fields as a nested list; required ones get `mark`, each schema is opened once on a branch."""
    pad = "    " * indent
    opened = [name for name in _references(schema) if name in schemas and name not in seen]
    for name in opened:
        for field, kind in schemas[name].get("properties", {}).items():
            required = f" ({mark})" if mark and field in schemas[name].get("required", ()) else ""
            meaning = f": {_line(kind['description'])}" if kind.get("description") else ""
            yield f"{pad}- `{field}` {_type(kind)}{required}{meaning}"
            yield from _fields(kind, schemas, mark, indent + 1, (*seen, name))
    if indent == 0 and not any("properties" in schemas[name] for name in opened):
        yield f"- {_type(schema)}"


def _references(schema: Any) -> Iterator[str]:
    """Names of the schemas that a schema refers to, lists and alternatives included."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield schema["$ref"].rsplit("/", 1)[-1]
        for key in ("items", "anyOf", "oneOf", "additionalProperties"):
            yield from _references(schema.get(key))
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)


def _type(schema: Schema) -> str:
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(each) for each in schema[key]))
    if "$ref" in schema:
        return "object"
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    kind = str(schema.get("type", "any value"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None or high is not None:
        bounds = f"{'' if low is None else f'from {low} '}{'' if high is None else f'to {high}'}".strip()
        return f"{kind} {bounds}"
    return kind


def _default(schema: Schema) -> str:
    return f"`{json.dumps(schema['default'])}`" if schema.get("default") is not None else ""


def _plain(text: str) -> str:
    """A docstring of the code without its section on errors."""
    return text.split("\n\nRaises:")[0].strip()


def _line(text: str) -> str:
    return " ".join(text.split())


def _table(*names: str) -> Iterable[str]:
    return [_row(*names), "|---" * len(names) + "|"]


def _row(*cells: str) -> str:
    return "| " + " | ".join(_line(cell).replace("|", "\\|") for cell in cells) + " |"
