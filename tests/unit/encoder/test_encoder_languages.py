"""Languages that encoders read, and the warning about others."""

import json
from pathlib import Path

import pytest

from recsys.encoder.bert import MINILM
from recsys.encoder.encoder_languages import (
    CARD,
    ENCODERS,
    language_warning,
    languages_of,
    main_language,
    recommended_encoder,
)
from recsys.language_codes import language_code, language_name


def test_the_table_has_codes_as_they_are_compared() -> None:
    codes = {code for languages in ENCODERS.values() for code in languages}
    assert {code for code in codes if language_code(code) != code} == set()
    assert {code for code in codes if language_name(code) == code} == set(), "each has a name"


def test_the_encoder_to_set_reads_the_language() -> None:
    assert recommended_encoder("en") == MINILM
    for language in ("da", "de", "ja", "ar", "no"):
        assert language in ENCODERS[recommended_encoder(language)]


def test_nothing_is_claimed_of_an_unknown_encoder(tmp_path: Path) -> None:
    assert languages_of("someone/some-model") is None
    assert languages_of(str(tmp_path)) is None
    (tmp_path / "README.md").write_text("# A model\nlanguage: en\n")
    (tmp_path / CARD).write_text("[")
    assert languages_of(str(tmp_path)) is None


@pytest.mark.parametrize(
    ("header", "languages"),
    [
        ("language: da", {"da"}),
        ("license: mit\nlanguage:\n- nb\n- 'sv'  # comment\n- en\ntags:\n- de", {"no", "sv", "en"}),
        ('language: [da, "en"]\ntags: [x]', {"da", "en"}),
        ("language:\n  - multilingual\n  - da", {"da"}),
        ("language: multilingual", None),
        ("language:\ntags:\n- de", None),
        ("languages: da", None),
    ],
)
def test_a_folder_states_its_languages_in_its_model_card(
    tmp_path: Path, header: str, languages: set[str] | None
) -> None:
    (tmp_path / "README.md").write_text(f"---\n{header}\n---\n# Model\nlanguage: fr\n")
    assert languages_of(str(tmp_path)) == languages


def test_attunes_own_card_has_priority(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlanguage: fr\n---\n")
    (tmp_path / CARD).write_text(json.dumps({"languages": ["da-DK", "en"]}))
    assert languages_of(str(tmp_path)) == {"da", "en"}


def test_a_sentence_names_language_encoder_and_fix() -> None:
    assert language_warning({"da": 84, "en": 10, None: 6}, "minilm") == (
        "84% of the articles are Danish; the encoder in use (minilm) reads English: "
        "set ATTUNE_ENCODER to 'intfloat/multilingual-e5-small'"
    )


def test_an_encoder_for_a_language_that_no_known_one_reads_is_not_named() -> None:
    assert language_warning({"kab": 1}, "minilm") == (
        "100% of the articles are kab; the encoder in use (minilm) reads English"
    )


def test_an_english_newsroom_is_warned_of_an_encoder_that_does_not_read_english(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text(json.dumps({"languages": ["da", "sv"]}))
    found = language_warning({"en": 1}, str(tmp_path))
    assert found is not None
    assert found.endswith("reads Danish and Swedish: set ATTUNE_ENCODER to 'minilm'")


@pytest.mark.parametrize(
    ("counts", "encoder"),
    [
        ({}, "minilm"),
        ({None: 100}, "minilm"),
        ({None: 100, "da": 9}, "minilm"),
        ({"en": 51, "da": 49}, "minilm"),
        ({"da": 100}, "someone/some-model"),
        ({"da": 100}, "intfloat/multilingual-e5-small"),
    ],
)
def test_no_warning_if_the_language_is_read_or_unknown(counts: dict[str | None, int], encoder: str) -> None:
    assert language_warning(counts, encoder) is None


def test_the_main_language_does_not_depend_on_the_order() -> None:
    assert main_language({"da": 2, "de": 2}) == main_language({"de": 2, "da": 2}) == ("de", 0.5)
