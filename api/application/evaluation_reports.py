"""Use-cases of evaluations: reports in `reports` of ATTUNE_HOME, and the validation of the active bundle."""

import json
from typing import Any

from api.application.context import Application
from recsys.errors import RequestError
from recsys.models import bundle

_FOLDER = "reports"
_MOST, _MOST_BYTES = 100, 20 * 1_024**2


def names(app: Application) -> list[str]:
    """Return the names of the reports that `attune evaluate --json HOME/reports/NAME.json` wrote, newest first."""
    found = [(path.stat().st_mtime, path.stem) for path in (app.settings.home / _FOLDER).glob("*.json")]
    return [name for _, name in sorted(found, reverse=True)[:_MOST]]


def read(app: Application, name: str) -> dict[str, Any]:
    """Return a report.

    Raises:
        RequestError: there is no such report, it is too large, or was not written by `attune evaluate --json`.
    """
    if name not in names(app):
        raise RequestError(f"there is no report {name!r}: write one with `attune evaluate --json`")
    path = app.settings.home / _FOLDER / f"{name}.json"
    if path.stat().st_size > _MOST_BYTES:
        raise RequestError(f"the report {name!r} is larger than {_MOST_BYTES} bytes")
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise RequestError(f"the report {name!r} cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(found.get(key), dict) for key in ("systems", "data")):
        raise RequestError(
            f"{name!r} is no report of `attune evaluate --json`: move it out of the folder of reports"
        )
    return found


def validation(app: Application) -> dict[str, Any] | None:
    """Return the figures of the active bundle's validation slice; None without a bundle.

    Raises:
        BundleError: the bundle is damaged.
    """
    version = bundle.active_version(app.settings.home)
    if version is None:
        return None
    manifest = bundle.load(app.settings.home, version).manifest
    return {"systems": manifest["validation"], "bundle": version, **(manifest.get("validation_report") or {})}
