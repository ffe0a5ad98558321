"""Choice of a language by the header `Accept-Language` (RFC 9110, 12.5.4)."""

from collections.abc import Sequence

_MOST_RANGES = 20
"""Ranges that are looked at; browsers send a few."""

ANY = "*"


def best_language(accepted: str, languages: Sequence[str]) -> str:
    """Return the language, among primary subtags such as `da`, that a header prefers; the first one by default.

    `da-DK` asks for `da`. Of equal weights the first range wins; a weight that is no number is none at all.
    """
    ranges = [_range(each) for each in accepted.split(",", _MOST_RANGES)[:_MOST_RANGES]]
    for weight, language in sorted(ranges, key=lambda each: -each[0]):
        if weight > 0 and language in (*languages, ANY):
            return languages[0] if language == ANY else language
    return languages[0]


def _range(text: str) -> tuple[float, str]:
    """Return the weight and the primary subtag of a language range."""
    tag, _, weight = text.partition(";")
    name, _, value = weight.strip().partition("=")
    language = tag.strip().partition("-")[0].lower()
    if not name:
        return 1.0, language
    return _weight(value) if name.strip().lower() == "q" else 0.0, language


def _weight(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if 0 <= found <= 1 else 0.0
