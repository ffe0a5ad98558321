"""A trained system on disk: files, and a manifest with their hashes. Published whole or not at all.

    HOME/bundles/<version>/manifest.json …    one folder a bundle
    HOME/bundles/ACTIVE                       version that serves
    HOME/bundles/PREVIOUS                     version that served before it
    HOME/bundles/CHALLENGER                   what is tried beside it (`serving.experiment`)

This module knows paths and hashes, not what is in the files. A bundle holds no reader data.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys.errors import BundleError, ConfigError

MANIFEST = "manifest.json"
FORMAT = 3


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files were checked against its manifest."""

    version: str
    path: Path
    manifest: dict[str, Any]


def prepare(home: Path) -> None:
    """Make the folder that bundles go to, and find out whether it can be written: before the work, not after it.

    Raises:
        ConfigError: it cannot be made or written.
    """
    folder = home / "bundles"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Path(tempfile.mkdtemp(prefix=".partial-", dir=folder)).rmdir()
    except OSError as error:
        raise ConfigError(f"bundles cannot be written to {folder} ({error.strerror}); set ATTUNE_HOME") from error


def publish(home: Path, version: str, write: Callable[[Path], dict[str, Any]]) -> Bundle:
    """Let `write` fill a new folder and return the manifest; then make it appear under `version` at once.

    Raises:
        BundleError: the version exists, or is not a plain name.
    """
    _require_plain(version)
    folder = home / "bundles"
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / version
    if final.exists():
        raise BundleError(f"bundle {version} exists already in {folder}")
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
    try:
        content = write(partial)
        hashes = {file.name: _sha256(file) for file in sorted(partial.iterdir())}
        manifest = {**content, "format": FORMAT, "version": version, "sha256": hashes}
        (partial / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True))
        partial.chmod(0o755)
        partial.replace(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Bundle(version, final, manifest)


def load(home: Path, version: str) -> Bundle:
    """Open a bundle after checking every file.

    Raises:
        BundleError: it is missing, of another format, or a file is damaged; the message names the file.
    """
    _require_plain(version)
    path = home / "bundles" / version
    try:
        manifest = json.loads((path / MANIFEST).read_text())
    except (OSError, ValueError) as error:  # ValueError: neither JSON nor UTF-8
        why = getattr(error, "strerror", None) or error
        raise BundleError(
            f"no readable bundle {version!r} in {home / 'bundles'} ({why}): `attune models list` shows them"
        ) from error
    for name, digest in _hashes(version, manifest).items():
        _require_plain(name)
        if not (path / name).is_file() or _sha256(path / name) != digest:
            raise BundleError(f"bundle {version} is damaged: {name} is not what its manifest says")
    return Bundle(version, path, manifest)


def activate(home: Path, version: str) -> None:
    """Make `version` the one that serves, after checking it. The pointer changes atomically.

    Raises:
        BundleError: the bundle cannot be loaded; the active one stays.
    """
    load(home, version)
    before = active_version(home)
    if before is not None and before != version:
        point(home, "PREVIOUS", before)
    point(home, "ACTIVE", version)


def active_version(home: Path) -> str | None:
    """The version that serves, None before the first."""
    return pointed(home, "ACTIVE")


def previous_version(home: Path) -> str | None:
    """The version that served before the active one, None if there was none."""
    return pointed(home, "PREVIOUS")


def versions(home: Path) -> list[str]:
    """All published versions, oldest first by name."""
    return sorted(path.parent.name for path in (home / "bundles").glob(f"[!.]*/{MANIFEST}"))


def remove(home: Path, version: str) -> None:
    """Delete a bundle: it disappears at once, and its files after that.

    Raises:
        BundleError: it is the active one or the one before it, or its name is no plain one.
        OSError: it cannot be deleted.
    """
    _require_plain(version)
    if version in (active_version(home), previous_version(home)):
        raise BundleError(f"bundle {version} serves, or is what a rollback goes back to")
    gone = Path(tempfile.mkdtemp(prefix=".removed-", dir=home / "bundles"))
    (home / "bundles" / version).replace(gone / version)
    shutil.rmtree(gone)


def point(home: Path, pointer: str, text: str) -> None:
    """Let `pointer` say `text`, atomically."""
    partial = home / "bundles" / f".{pointer}.partial"
    partial.write_text(text)
    partial.replace(home / "bundles" / pointer)


def pointed(home: Path, pointer: str) -> str | None:
    """What `pointer` says; None if there is none."""
    file = home / "bundles" / pointer
    return (file.read_text().strip() or None) if file.is_file() else None


def unpoint(home: Path, pointer: str) -> None:
    """Remove `pointer`, if there is one."""
    (home / "bundles" / pointer).unlink(missing_ok=True)


def _hashes(version: str, manifest: Any) -> dict[str, str]:
    """File → SHA-256, of a manifest that this version can read."""
    if not isinstance(manifest, dict):
        raise BundleError(f"bundle {version} is damaged: its manifest is no JSON object")
    if manifest.get("format") != FORMAT:
        raise BundleError(
            f"bundle {version} has format {manifest.get('format')}, this version reads {FORMAT}: train a new one"
        )
    hashes = manifest.get("sha256")
    if manifest.get("version") != version or not isinstance(hashes, dict) or not hashes:
        raise BundleError(f"bundle {version} is damaged: its manifest lacks its version or its files' sha256")
    return hashes


def _require_plain(name: str) -> None:
    """Names come from files and flags: none may lead out of its folder."""
    if name in {"", ".", ".."} or any(char in name for char in "/\\\0"):
        raise BundleError(f"{name!r} is not the plain name of a bundle or of one of its files")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
