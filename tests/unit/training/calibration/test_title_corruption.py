import numpy as np
import polars as pl
import pytest

from recsys.encoder.article_text import headlines
from recsys.encoder.bert import TextEncoder
from recsys.frames import ARTICLES, conform
from recsys.training.calibration.damaged_text import NoiseKind
from recsys.training.calibration.title_corruption import damaged_titles, injector_of, tokenised


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(device="cpu")


@pytest.fixture(scope="module")
def articles() -> pl.DataFrame:
    rows = {
        "id": ["a", "b"],
        "title": ["Council approves the new tram line", "Baker wins"],
        "category": ["local", None],
        "subcategory": ["transport", None],
    }
    return conform(pl.DataFrame(rows), ARTICLES)


def test_undamaged_titles_are_read_as_ever(encoder: TextEncoder, articles: pl.DataFrame) -> None:
    titles = damaged_titles(articles, [None, None], injector_of(encoder, articles), seed=1)
    texts = tokenised(encoder, articles, titles)
    assert texts.tokens == encoder.tokenize(headlines(articles))
    assert not any(any(line) for line in texts.injected)


@pytest.mark.parametrize("kind", list(NoiseKind))
def test_injected_tokens_are_those_of_injected_words(
    encoder: TextEncoder, articles: pl.DataFrame, kind: NoiseKind
) -> None:
    titles = damaged_titles(articles, [kind, kind], injector_of(encoder, articles), seed=1)
    texts = tokenised(encoder, articles, titles)
    for row, title in enumerate(titles):
        new = [word for word, injected in zip(title.words, title.injected, strict=True) if injected]
        expected = encoder.tokenize([" ".join(new)])[0][1:-1]
        found = [token for token, flag in zip(texts.tokens[row], texts.injected[row], strict=True) if flag]
        assert found == expected


def test_categories_are_never_called_injected(encoder: TextEncoder, articles: pl.DataFrame) -> None:
    titles = damaged_titles(articles, [NoiseKind.CLICKBAIT] * 2, injector_of(encoder, articles), seed=1)
    texts = tokenised(encoder, articles, titles)
    assert texts.injected[0][:4] == [False] * 4  # [CLS] local transport :


def test_the_grid_is_padded_with_what_was_not_injected(encoder: TextEncoder, articles: pl.DataFrame) -> None:
    kinds = [None, NoiseKind.STUFFING]
    texts = tokenised(encoder, articles, damaged_titles(articles, kinds, injector_of(encoder, articles), seed=1))
    grid = texts.grid(np.asarray([0, 1]))
    assert grid.shape == (2, max(map(len, texts.tokens)))
    assert grid.sum(axis=1).tolist() == [0, sum(texts.injected[1])]


def test_the_same_seed_damages_alike(encoder: TextEncoder, articles: pl.DataFrame) -> None:
    injector = injector_of(encoder, articles)
    first, second = (damaged_titles(articles, [NoiseKind.RANDOM] * 2, injector, seed=3) for _ in range(2))
    assert first == second
