import pytest

from recsys.domain import Article
from recsys.encoder import article_text
from recsys.encoder.article_text import ArticleText, article_texts, headlines, text_hash
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
def test_the_headline_carries_categories_that_are_words(
    category: str | None, subcategory: str | None, expected: str
) -> None:
    article = Article(id="1", title="  Title ", category=category, subcategory=subcategory)
    assert headlines(articles_frame([article])) == [expected]


@pytest.mark.parametrize(
    ("article", "expected"),
    [
        (
            Article(id="1", title="Title", abstract=" What happened. ", category="sport", subcategory="tennis"),
            ArticleText("sport tennis: Title", "sport tennis", "What happened."),
        ),
        (Article(id="1", title="Title", body="Long story"), ArticleText("Title", "", "Long story")),
        (Article(id="1", title="Title", abstract=" ", body="x" * 5_000), ArticleText("Title", "", "x" * 1_000)),
        (Article(id="1", title="Title", category="118"), ArticleText("Title")),
    ],
)
def test_topic_and_abstract_are_texts_of_their_own(article: Article, expected: ArticleText) -> None:
    assert article_texts(articles_frame([article])) == [expected]


def test_texts_that_divide_the_same_words_otherwise_have_other_hashes() -> None:
    texts = [ArticleText("a", "b", "c"), ArticleText("a", "", "c"), ArticleText("a", "c"), ArticleText("a", "b")]
    assert len({text_hash(each) for each in texts}) == len(texts)


def test_no_articles_have_no_texts() -> None:
    assert article_texts(articles_frame([])) == []


def test_a_text_keeps_its_hash_and_another_has_another() -> None:
    assert text_hash(ArticleText("a")) == text_hash(ArticleText("a")) != text_hash(ArticleText("b"))
    assert len(text_hash(ArticleText("ø"))) == 32


def test_a_new_template_makes_new_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = text_hash(ArticleText("a"))
    monkeypatch.setattr(article_text, "TEXT_VERSION", 99)
    assert text_hash(ArticleText("a")) != before
