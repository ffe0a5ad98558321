"""Choice of a language by its header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.accept_language import best_language

LANGUAGES = ("en", "da", "de", "zh")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("da", "da"),
        ("da-DK, en;q=0.9", "da"),
        ("en;q=0.1, de;q=0.2", "de"),
        ("en;q=0.5,da;q=0.5", "en"),
        ("da;q=0.5,en;q=0.5", "da"),
        ("fr, sv;q=0.8", "en"),
        ("de;q=0, zh;q=0.001", "zh"),
        ("*", "en"),
        ("fr, *;q=0.5, da;q=0.4", "en"),
        (" DA ; Q=1 ", "da"),
        ("da;q=nan, de;q=inf, zh;q=-1, en;q=x", "en"),
        ("da;level=1, de;q=0.3", "de"),
        ("danish", "en"),
        (",".join(["fr"] * 30 + ["da"]), "en"),
    ],
)
def test_the_best_known_language_is_chosen(accepted: str, language: str) -> None:
    assert best_language(accepted, LANGUAGES) == language


@given(st.text())
def test_any_header_gives_a_known_language(accepted: str) -> None:
    assert best_language(accepted, LANGUAGES) in LANGUAGES
