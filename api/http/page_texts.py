"""Texts of pages for readers, in the languages of reasons."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def page_texts(language: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the texts of one of `LANGUAGES` by page: the `shell` is around all pages, `script` is for browsers.

    `{}` stands for a name or a number.
    """
    path = files("api") / "web" / "pages" / "texts" / f"{language}.json"
    found: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return found
