"""Bundles: trained systems on disk, with a manifest of file hashes. A bundle is published atomically.

    HOME/bundles/<version>/manifest.json …    one folder per bundle
    HOME/bundles/ACTIVE                       active version
    HOME/bundles/PREVIOUS                     version that was active before
    HOME/bundles/CHALLENGER                   running experiment (`serving.experiment`)

This module checks paths and hashes, not the content of files. A bundle contains no reader data.
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
    """Bundle whose files match the hashes of its manifest."""

    version: str
    path: Path
    manifest: dict[str, Any]


def prepare(home: Path) -> None:
    """Create the folder of bundles and check that it is writable, before the work starts.

    Raises:
        ConfigError: the folder cannot be created or written.
    """
    folder = home / "bundles"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Path(tempfile.mkdtemp(prefix=".partial-", dir=folder)).rmdir()
    except OSError as error:
        raise ConfigError(f"bundles cannot be written to {folder} ({error.strerror}); set ATTUNE_HOME") from error


def publish(home: Path, version: str, write: Callable[[Path], dict[str, Any]]) -> Bundle:
    """Let `write` fill a new folder and return the manifest; then publish the folder as `version`, atomically.

    Raises:
        BundleError: the version exists, or is not a plain file name.
    """
    _require_plain(version)
    folder = home / "bundles"
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / version
    if final.exists():
        raise BundleError(f"bundle {version} exists already in {folder}: choose another version")
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
    """Open a bundle after checking all its files.

    Raises:
        BundleError: the bundle is missing, of another format, or damaged; the message names the file.
    """
    _require_plain(version)
    path = home / "bundles" / version
    try:
        manifest = json.loads((path / MANIFEST).read_text())
    except (OSError, ValueError) as error:  # ValueError: neither JSON nor UTF-8
        reason = getattr(error, "strerror", None) or error
        raise BundleError(
            f"no readable bundle {version!r} in {home / 'bundles'} ({reason}): run `attune models list` for all"
        ) from error
    for name, digest in _hashes(version, manifest).items():
        _require_plain(name)
        if not (path / name).is_file() or _sha256(path / name) != digest:
            raise BundleError(
                f"bundle {version} is damaged: {name} does not match its manifest; train a new bundle"
            )
    return Bundle(version, path, manifest)


def activate(home: Path, version: str) -> None:
    """Check `version` and make it the active one. The pointer changes atomically.

    Raises:
        BundleError: the bundle cannot be loaded; the active bundle does not change.
    """
    load(home, version)
    before = active_version(home)
    if before is not None and before != version:
        point(home, "PREVIOUS", before)
    point(home, "ACTIVE", version)


def active_version(home: Path) -> str | None:
    """Return the active version, None before the first."""
    return pointed(home, "ACTIVE")


def previous_version(home: Path) -> str | None:
    """Return the version that was active before the active one, or None."""
    return pointed(home, "PREVIOUS")


def versions(home: Path) -> list[str]:
    """Return all published versions, sorted by name."""
    return sorted(path.parent.name for path in (home / "bundles").glob(f"[!.]*/{MANIFEST}"))


def remove(home: Path, version: str) -> None:
    """Delete a bundle: first move its folder away, atomically, then delete the files.

    Raises:
        BundleError: it is the active or the previous bundle, or its name is not a plain file name.
        OSError: the files cannot be deleted.
    """
    _require_plain(version)
    if version in (active_version(home), previous_version(home)):
        raise BundleError(f"bundle {version} is active, or needed for a rollback: activate another bundle first")
    removed = Path(tempfile.mkdtemp(prefix=".removed-", dir=home / "bundles"))
    (home / "bundles" / version).replace(removed / version)
    shutil.rmtree(removed)


def point(home: Path, pointer: str, text: str) -> None:
    """Write `text` to `pointer`, atomically."""
    partial = home / "bundles" / f".{pointer}.partial"
    partial.write_text(text)
    partial.replace(home / "bundles" / pointer)


def pointed(home: Path, pointer: str) -> str | None:
    """Return the text of `pointer`, or None."""
    file = home / "bundles" / pointer
    return (file.read_text().strip() or None) if file.is_file() else None


def unpoint(home: Path, pointer: str) -> None:
    """Delete `pointer`, if it exists."""
    (home / "bundles" / pointer).unlink(missing_ok=True)


def _hashes(version: str, manifest: Any) -> dict[str, str]:
    """Return file → SHA-256 from a manifest; check its format first."""
    if not isinstance(manifest, dict):
        raise BundleError(f"bundle {version} is damaged: its manifest is not a JSON object; train a new bundle")
    if manifest.get("format") != FORMAT:
        raise BundleError(
            f"bundle {version} has format {manifest.get('format')}, Attune reads {FORMAT}: train a new bundle"
        )
    hashes = manifest.get("sha256")
    if manifest.get("version") != version or not isinstance(hashes, dict) or not hashes:
        raise BundleError(
            f"bundle {version} is damaged: its manifest lacks its version or the hashes of its files; "
            "train a new bundle"
        )
    return hashes


def _require_plain(name: str) -> None:
    """Names come from files and options: none may lead out of its folder."""
    if name in {"", ".", ".."} or any(char in name for char in "/\\\0"):
        raise BundleError(f"{name!r} is not a plain file name, as bundles and their files need")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
