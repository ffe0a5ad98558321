"""Newsletters as readers see them."""

from datetime import date

import pytest

from api.application.letters.letter_pages import Letter, LetterEntry, letter_html, letter_subject, letter_text

_ENTRY = LetterEntry("a1", "A title", None, None, "local", None, 2.175, "", "")


@pytest.mark.parametrize(
    ("language", "subject", "total"),
    [
        ("en", "Your news, 2026-11-09", "2 articles, 4.4 minutes"),
        ("da", "Dine nyheder, 9.11.2026", "2 artikler, 4,4 minutter"),
        ("de", "Ihre Nachrichten, 9.11.2026", "2 Artikel, 4,4 Minuten"),
        ("zh", "您的新闻，2026年11月9日", "2 篇文章，4.4 分钟"),
    ],
)
def test_a_letter_writes_dates_and_numbers_as_its_language_does(language: str, subject: str, total: str) -> None:
    assert letter_subject(date(2026, 11, 9), language) == subject
    letter = Letter(
        subject, "q", [_ENTRY, _ENTRY], "https://news.example/feed", "https://news.example/unsubscribe"
    )
    assert total in letter_text(letter, language)
    assert total in letter_html(letter, language)


@pytest.mark.parametrize(
    ("language", "total"),
    [("en", "1 article, 2.2 minutes"), ("da", "1 artikel, 2,2 minutter"), ("de", "1 Artikel, 2,2 Minuten")],
)
def test_a_letter_of_one_article_says_one_article(language: str, total: str) -> None:
    letter = Letter("News", "q", [_ENTRY], "https://news.example/feed", "https://news.example/unsubscribe")
    assert total in letter_text(letter, language)
    assert total in letter_html(letter, language)
