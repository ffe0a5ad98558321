"""Sentences of reasons in the languages of `messages`. English ones come with the reasons."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from recsys.domain import Reason

ENGLISH = "en"
TRANSLATIONS = ("da", "de", "zh")
LANGUAGES = (ENGLISH, *TRANSLATIONS)


@cache
def messages(language: str) -> Mapping[str, str]:
    """Return the sentence of each code in one of `TRANSLATIONS`, with parameters in braces."""
    found: dict[str, str] = json.loads((files("api.http") / "messages" / f"{language}.json").read_text("utf-8"))
    return found


def reason_text(reason: Reason, language: str) -> str:
    """Return the sentence of a reason in one of `LANGUAGES`."""
    return reason.text if language == ENGLISH else messages(language)[reason.code].format_map(reason.params)
