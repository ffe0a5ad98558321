from recsys.encoder.article_text import headlines
from recsys.experiments.evaluate_attention import as_read
from tests.trained import world


def test_titles_alone_are_read_without_their_categories() -> None:
    articles = world().articles
    assert headlines(as_read(articles, titles_only=True)) == articles["title"].to_list()
    assert headlines(as_read(articles, titles_only=False)) == headlines(articles) != articles["title"].to_list()
