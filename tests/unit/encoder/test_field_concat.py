import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.encoder.article_text import ArticleText
from recsys.encoder.field_concat import (
    FIELDS,
    article_vectors,
    concat_fields,
    encode_context_fields,
    with_fields,
)
from tests.hashed import DIM, HashModel

WORDS = st.sampled_from(["sport", "tennis final", "a longer headline", "world"])
HEADLINES = st.sampled_from(["headline", "another headline"])
TEXTS = st.lists(
    st.builds(ArticleText, HEADLINES, st.just("") | WORDS, st.just("") | WORDS), min_size=1, max_size=8
)


@given(TEXTS)
def test_articles_have_unit_vectors_of_all_fields(texts: list[ArticleText]) -> None:
    vectors = article_vectors(HashModel(), texts)
    assert (vectors.shape, vectors.dtype) == ((len(texts), FIELDS * DIM), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@given(TEXTS)
def test_a_cosine_is_the_mean_of_those_of_the_fields(texts: list[ArticleText]) -> None:
    vectors = article_vectors(HashModel(), texts)
    filled = [ArticleText(each.headline, *(part or each.headline for part in each[1:])) for each in texts]
    fields = [
        article_vectors(HashModel(), [ArticleText(part) for part in parts]) for parts in zip(*filled, strict=True)
    ]
    np.testing.assert_allclose(vectors @ vectors.T, np.mean([each @ each.T for each in fields], axis=0), atol=1e-5)


@given(TEXTS, st.integers(0, 99))
def test_other_headlines_also_replace_what_the_headline_stands_in_for(texts: list[ArticleText], seed: int) -> None:
    model = HashModel()
    others = [ArticleText(f"other {seed} {row}", *each[1:]) for row, each in enumerate(texts)]
    headlines = np.asarray(article_vectors(model, [ArticleText(each.headline) for each in others])[:, :DIM])
    headlines = headlines / np.linalg.norm(headlines, axis=1, keepdims=True)
    replaced = with_fields(article_vectors(model, texts), headlines)
    context = encode_context_fields(model, texts)
    np.testing.assert_allclose(replaced, concat_fields(headlines, context), atol=1e-6)
    weighted = with_fields(article_vectors(model, texts), headlines, headlines)
    context[:, 1] = headlines
    np.testing.assert_allclose(weighted, concat_fields(headlines, context), atol=1e-6)


def test_no_articles_have_no_vectors() -> None:
    assert article_vectors(HashModel(), []).shape == (0, FIELDS * DIM)
