"""Codes of languages, as publishers write them."""

import pytest

from recsys.language_codes import language_code, language_name


@pytest.mark.parametrize("given", ["da", "da-DK", "DA", "dan", "da_DK", " da ", "DAN-dk"])
def test_codes_of_one_language_are_one(given: str) -> None:
    assert language_code(given) == "da"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("nb", "no"),
        ("nn-NO", "no"),
        ("ger", "de"),
        ("deu", "de"),
        ("zh-Hans-CN", "zh"),
        ("iw", "he"),
        ("kab", "kab"),
    ],
)
def test_other_forms_of_a_code_are_known(given: str, code: str) -> None:
    assert language_code(given) == code


@pytest.mark.parametrize("given", [None, "", " ", "und", "zxx", "mul"])
def test_a_code_may_name_no_language(given: str | None) -> None:
    assert language_code(given) is None


def test_a_language_without_a_name_is_called_by_its_code() -> None:
    assert (language_name("da"), language_name("no"), language_name("gd")) == (
        "Danish",
        "Norwegian",
        "Scottish Gaelic",
    )
    assert language_name("kab") == "kab"
