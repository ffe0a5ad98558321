"""Texts of reasons: every code has a sentence in every language, with the same parameters."""

from string import Formatter

import pytest

from api.http.reason_texts import LANGUAGES, TRANSLATIONS, messages, reason_text
from recsys.feed import reason_codes
from recsys.feed.reason_codes import reason

VALUES: dict[str, str | int] = {
    "people": "3",
    "title": "A {title} with braces",
    "subject": "sport",
    "category": "local",
    "percent": 42,
    "count": 4,
    "entity": "Ada",
}


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_language_has_every_code_and_its_parameters(language: str) -> None:
    english = {code: placeholders(sentence) for code, sentence in reason_codes.ENGLISH.items()}
    assert {code: placeholders(sentence) for code, sentence in messages(language).items()} == english


@pytest.mark.parametrize("code", reason_codes.ENGLISH)
def test_every_reason_has_its_values_in_the_sentence_of_every_language(code: str) -> None:
    params = {name: VALUES[name] for name in placeholders(reason_codes.ENGLISH[code])}
    given = reason(code, **params)
    texts = [reason_text(given, language) for language in LANGUAGES]
    assert len(set(texts)) == len(LANGUAGES)
    assert all(str(value) in text for text in texts for value in params.values())
    assert texts[0] == given.text
