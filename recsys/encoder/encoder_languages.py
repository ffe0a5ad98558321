"""Languages that encoders read, by the setting `ATTUNE_ENCODER`, and the encoder to set for a language.

A multilingual encoder is not the better one for everyone: on English MIND, untrained, multilingual-e5-small has an
AUC of 0.666 and minilm one of 0.690.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from recsys.language_codes import language_code, language_name

ENGLISH = frozenset({"en"})

MULTILINGUAL = "multilingual-e5"
"""multilingual-e5-small from the extra `multilingual` (`encoder.multilingual`), so that no model hub is needed."""

_XLM_ROBERTA = """
af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he hi hr hu hy id is it
ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my ne nl no om or pa pl ps pt ro ru sa sd si sk sl so sq
sr su sv sw ta te th tl tr ug uk ur uz vi xh yi zh
"""
"""Languages of XLM-RoBERTa, from which the multilingual E5 models were trained."""

_PARAPHRASE = """
ar bg ca cs da de el en es et fa fi fr gl gu he hi hr hu hy id it ja ka ko ku lt lv mk mn mr ms my nl no pl pt ro
ru sk sl sq sr sv th tr uk ur vi zh
"""

ENCODERS: Mapping[str, frozenset[str]] = {
    "minilm": ENGLISH,
    "sentence-transformers/all-MiniLM-L6-v2": ENGLISH,
    MULTILINGUAL: frozenset(_XLM_ROBERTA.split()),
    "intfloat/multilingual-e5-small": frozenset(_XLM_ROBERTA.split()),
    "intfloat/multilingual-e5-base": frozenset(_XLM_ROBERTA.split()),
    "intfloat/multilingual-e5-large": frozenset(_XLM_ROBERTA.split()),
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2": frozenset(_PARAPHRASE.split()),
}
"""Encoder → languages that it reads, as its authors state them."""

LEAST_KNOWN = 0.1
"""Share of the articles whose language must be known before anything is concluded from it."""

CARD, _README = "attune_card.json", "README.md"
"""Files in the folder of a saved model that state its languages."""


def languages_of(encoder: str) -> frozenset[str] | None:
    """Return the languages that an encoder reads; None if nothing says so.

    Of a folder: `languages` in its `attune_card.json`, or `language` in the front matter of its README.md.
    """
    folder = Path(encoder).expanduser()
    if encoder in ENCODERS or not folder.is_dir():
        return ENCODERS.get(encoder)
    stated = _card(folder / CARD) or _front_matter(folder / _README)
    codes = frozenset(code for each in stated if (code := language_code(each)) is not None)
    return codes - {"multilingual"} or None


def recommended_encoder(language: str) -> str:
    """Return the value of `ATTUNE_ENCODER` for articles of a language."""
    return "minilm" if language in ENGLISH else "intfloat/multilingual-e5-small"


def main_language(counts: Mapping[str | None, int]) -> tuple[str, float] | None:
    """Return the language that most articles have, and its share of all; None if too few have one."""
    known = {code: rows for code, rows in counts.items() if code is not None and rows}
    total = sum(counts.values())
    if not known or sum(known.values()) < LEAST_KNOWN * total:
        return None
    main = max(known, key=lambda code: (known[code], code))
    return main, known[main] / total


def language_warning(counts: Mapping[str | None, int], encoder: str) -> str | None:
    """Return a sentence if `encoder` does not read the main language of the articles; None if it does.

    None too if the languages of the articles, or of the encoder, are not known. `counts`: articles by
    `language_code`.
    """
    main, read = main_language(counts), languages_of(encoder)
    if main is None or read is None or main[0] in read:
        return None
    language, share = main
    better = recommended_encoder(language)
    fix = f": set ATTUNE_ENCODER to '{better}'" if language in ENCODERS[better] else ""
    return (
        f"{share:.0%} of the articles are {language_name(language)}; the encoder in use ({encoder}) reads "
        f"{_listed(read)}{fix}"
    )


def _listed(languages: frozenset[str]) -> str:
    names = sorted(map(language_name, languages))
    return " and ".join(names) if len(names) < 3 else f"{len(names)} other languages"


def _card(path: Path) -> list[str]:
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))["languages"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [each for each in stated if isinstance(each, str)] if isinstance(stated, list) else []


def _front_matter(path: Path) -> list[str]:
    """Return the values of `language` in the YAML header of a model card: one, `[a, b]`, or lines of `- a`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return []
    header = re.match(r"---\s*\n(.*?)\n---", text, re.DOTALL)
    field = header and re.search(r"^language:[ \t]*(.*(?:\n[ \t]*-.*)*)", header[1], re.MULTILINE)
    return re.findall(r"[A-Za-z][A-Za-z_-]*", re.sub(r"#.*", "", field[1])) if field else []
