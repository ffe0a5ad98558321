import numpy as np
import pytest

from recsys.domain import Article
from recsys.encoder.article_text import ArticleText, article_texts
from recsys.encoder.bert import TextEncoder
from recsys.encoder.body_reading import MOST_WINDOWS, BodyReading, encode_bodies, reads_bodies
from recsys.encoder.field_concat import encode_context_fields
from recsys.encoder.lazy import LazyEncoder
from recsys.frames import articles_frame
from recsys.settings import Settings


def test_a_short_body_is_read_like_any_text(encoder: TextEncoder) -> None:
    text = "Council votes on tram"
    expected = encoder.encode_tokens(encoder.tokenize([text]))
    for reading in (BodyReading(), BodyReading(16)):
        np.testing.assert_allclose(encode_bodies(encoder, [text], reading), expected, atol=1e-6)


def test_a_long_body_is_the_mean_of_its_windows_by_length(encoder: TextEncoder) -> None:
    text = "tram " * 510 + "bank rates rose again"
    first, second = encoder.windows(text, MOST_WINDOWS)
    assert (len(first), len(second)) == (512, 6)
    mean = 512 * encoder.encode_tokens([first]) + 6 * encoder.encode_tokens([second])
    expected = mean / np.linalg.norm(mean)
    np.testing.assert_allclose(encode_bodies(encoder, [text], BodyReading()), expected, atol=1e-5)


def test_a_huge_body_is_read_to_the_largest_number_of_windows(encoder: TextEncoder) -> None:
    assert len(encoder.windows("news " * 20_000, MOST_WINDOWS)) == MOST_WINDOWS


def test_the_body_follows_the_abstract_where_bodies_are_read() -> None:
    articles = articles_frame(
        [
            Article(id="1", title="Title", abstract="Short.", body="Long " * 300),
            Article(id="2", title="Title", body="Body"),
            Article(id="3", title="Title"),
        ]
    )
    found = [text.abstract for text in article_texts(articles, with_bodies=True)]
    assert found == ["Short.\n" + ("Long " * 300).strip(), "Body", ""]


def test_an_encoder_of_bodies_reads_past_the_most_tokens_of_other_texts(
    encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [ArticleText("Title", "", "word " * 70 + "a late goal decided the game")]
    cut = encode_context_fields(encoder, texts)
    monkeypatch.setattr(encoder, "bodies", BodyReading())
    assert np.abs(encode_context_fields(encoder, texts)[0, 1] - cut[0, 1]).max() > 0.01


def test_the_name_has_the_reading_of_bodies() -> None:
    readings = [Settings(), Settings(body=True), Settings(body=True, token_budget=192)]
    names = [LazyEncoder(settings).name for settings in readings]
    assert names == ["minilm@64x3", "minilm@64x3-body", "minilm@64x3-body192"]
    assert [reads_bodies(f"{name}+calibrator") for name in names] == [False, True, True]
    assert not reads_bodies("./some-body@64x3")


def test_a_budget_without_bodies_changes_no_name() -> None:
    assert LazyEncoder(Settings(token_budget=64)).name == LazyEncoder(Settings()).name
