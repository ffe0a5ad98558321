import pytest

from recsys.domain import Article
from recsys.encoder import text
from recsys.encoder.text import article_texts, text_hash
from recsys.frames import articles_frame


@pytest.mark.parametrize(
    ("category", "subcategory", "expected"),
    [
        ("sport", "tennis", "sport tennis: Title"),
        ("sport", None, "sport: Title"),
        (None, "tennis", "tennis: Title"),
        (None, None, "Title"),
        ("118", "133, 120", "Title"),
        ("sport", "55", "sport: Title"),
        ("", "", "Title"),
        ("7 news", None, "7 news: Title"),
    ],
)
def test_the_text_carries_categories_that_are_words(
    category: str | None, subcategory: str | None, expected: str
) -> None:
    article = Article("1", "  Title ", category=category, subcategory=subcategory)
    assert article_texts(articles_frame([article])) == [expected]


def test_no_articles_have_no_texts() -> None:
    assert article_texts(articles_frame([])) == []


def test_a_text_keeps_its_hash_and_another_has_another() -> None:
    assert text_hash("a") == text_hash("a") != text_hash("b")
    assert len(text_hash("ø")) == 32


def test_a_new_template_makes_new_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = text_hash("a")
    monkeypatch.setattr(text, "TEXT_VERSION", 99)
    assert text_hash("a") != before
