"""Files of newsletters: HTML and text under pseudonymous names, and a manifest that says whose they are."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from api.application.letters.letter_pages import Letter
from recsys.errors import ConfigError

_NAME_BYTES = 10


class LetterFolder:
    """Folder of the letters of one period. Files appear whole, so a killed run leaves no half letter.

    Args:
        folder: made if it is missing.
        period: of the letters.
        secret: makes names that nobody can derive from a reader id.

    Raises:
        ConfigError: the folder cannot be written.
    """

    def __init__(self, folder: Path, period: str, secret: str) -> None:
        self._folder, self._period, self._secret = folder, period, secret.encode()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lines = folder / f"{period}.jsonl"
            self._lines.touch(mode=0o600)  # letters have tokens that act for a reader
            self._end_line()
        except OSError as error:
            raise ConfigError(
                f"--out {folder} cannot be written: {error.strerror}; choose another folder"
            ) from error

    def _end_line(self) -> None:
        """End a line that a kill cut short, so that the next letter gets a line of its own."""
        with self._lines.open("rb+") as lines:
            lines.seek(max(lines.seek(0, os.SEEK_END) - 1, 0))
            if lines.read(1) not in (b"", b"\n"):
                lines.write(b"\n")

    def name(self, reader: str) -> str:
        """Return the name of a reader's files without its ending."""
        key = hashlib.blake2b(self._secret).digest()
        return f"{self._period}-{hashlib.blake2b(reader.encode(), digest_size=_NAME_BYTES, key=key).hexdigest()}"

    def write(self, reader: str, letter: Letter, html: str, text: str) -> None:
        """Write the two files of a letter, then its line."""
        name = self.name(reader)
        for ending, content in (("html", html), ("txt", text)):
            self._replace(f"{name}.{ending}", content)
        entry = {
            "reader": reader,
            "html": f"{name}.html",
            "text": f"{name}.txt",
            "subject": letter.subject,
            "request_id": letter.request_id,
            "minutes": round(letter.minutes, 3),
            "articles": [entry.id for entry in letter.entries],
        }
        with self._lines.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def write_preview(self, reader: str, html: str, text: str) -> None:
        """Write the two files of a letter that was not logged; they are not in the manifest."""
        for ending, content in (("html", html), ("txt", text)):
            self._replace(f"preview-{self.name(reader)}.{ending}", content)

    def written(self) -> dict[str, dict[str, Any]]:
        """Return the manifest's entries by request id; a line that a kill cut short does not count."""
        entries = {}
        for line in self._lines.read_text("utf-8").split("\n"):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            entries[entry["request_id"]] = entry
        return entries

    def write_manifest(self) -> None:
        """Write `manifest.json` with all letters of the period in this folder, sorted by reader."""
        entries = sorted(self.written().values(), key=lambda entry: str(entry["reader"]))
        manifest = {"period": self._period, "letters": entries}
        self._replace("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")

    def _replace(self, name: str, content: str) -> None:
        part = self._folder / f".{name}.{os.getpid()}"
        part.touch(mode=0o600)
        part.write_text(content, encoding="utf-8")
        part.replace(self._folder / name)
